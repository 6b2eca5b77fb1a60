package org.fusionc.broker;

import com.google.protobuf.UnknownFieldSet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.runtime.proto.RecoveryReport;
import org.fusionc.runtime.proto.RunReport;

/**
 * What coordinators said last of their runs. In memory: they say it to the next broker, all but
 * recoveries told before. All who may ask for the status are shown it, so it is short, printable,
 * and has no run's whole id: whoever knows that may send frames to the run.
 */
final class Runs {
  private static final int MOST_RUNS = 10_000;
  private static final int RECOVERIES = 200;
  private static final int MOST_STAGES = 1024;

  /** Of a run's id. */
  private static final int SHOWN = 8;

  private static final int LONGEST = 200;

  private final Ledger ledger;
  private final Map<String, RunReport> live = new LinkedHashMap<>();
  private final Deque<RecoveryReport> recoveries = new ArrayDeque<>();

  Runs(Ledger ledger) {
    this.ledger = ledger;
  }

  /**
   * A run's report.
   *
   * @param run its whole id
   */
  void report(String run, RunReport report) {
    if (run.length() > LONGEST) {
      return;
    }
    synchronized (this) {
      if (live.size() < MOST_RUNS || live.containsKey(run)) {
        live.put(run, shown(report));
      }
      for (var recovery : report.getRecoveriesList()) {
        recoveries.addLast(shown(recovery));
        if (recoveries.size() > RECOVERIES) {
          recoveries.removeFirst();
        }
      }
    }
    ledger.wake();
  }

  private static RunReport shown(RunReport report) {
    var shown =
        report.toBuilder()
            .clearRecoveries()
            .clearRoute()
            .setUnknownFields(UnknownFieldSet.getDefaultInstance())
            .setRun(line(report.getRun(), SHOWN))
            .setDeployment(line(report.getDeployment(), LONGEST))
            .setClient(line(report.getClient(), LONGEST));
    report.getRouteList().stream()
        .limit(MOST_STAGES)
        .forEach(peer -> shown.addRoute(line(peer, LONGEST)));
    return shown.build();
  }

  private static RecoveryReport shown(RecoveryReport recovery) {
    return recovery.toBuilder()
        .setUnknownFields(UnknownFieldSet.getDefaultInstance())
        .setFrom(line(recovery.getFrom(), LONGEST))
        .setTo(line(recovery.getTo(), LONGEST))
        .setCause(line(recovery.getCause(), LONGEST))
        .build();
  }

  /** The beginning of a text, without what would do something to a terminal. */
  private static String line(String text, int longest) {
    var line = new StringBuilder();
    text.codePoints()
        .limit(longest)
        .map(c -> Character.isISOControl(c) ? 0xFFFD : c)
        .forEach(line::appendCodePoint);
    return line.toString();
  }

  void ended(String run) {
    synchronized (this) {
      live.remove(run);
    }
    ledger.wake();
  }

  synchronized Collection<RunReport> live() {
    return List.copyOf(live.values());
  }

  /** The newest last. */
  synchronized List<RecoveryReport> recoveries() {
    return new ArrayList<>(recoveries);
  }
}
