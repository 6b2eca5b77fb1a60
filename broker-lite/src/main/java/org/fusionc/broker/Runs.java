package org.fusionc.broker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.runtime.proto.RecoveryReport;
import org.fusionc.runtime.proto.RunReport;

/** What coordinators said last of their runs. In memory: they say it again to the next broker. */
final class Runs {
  private static final int MOST_RUNS = 10_000;
  private static final int RECOVERIES = 200;

  private final Ledger ledger;
  private final Map<String, RunReport> live = new LinkedHashMap<>();
  private final Deque<RecoveryReport> recoveries = new ArrayDeque<>();

  Runs(Ledger ledger) {
    this.ledger = ledger;
  }

  void report(RunReport report) {
    synchronized (this) {
      if (live.size() < MOST_RUNS || live.containsKey(report.getRun())) {
        live.put(report.getRun(), report.toBuilder().clearRecoveries().build());
      }
      for (var recovery : report.getRecoveriesList()) {
        recoveries.addLast(recovery);
        if (recoveries.size() > RECOVERIES) {
          recoveries.removeFirst();
        }
      }
    }
    ledger.wake();
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
