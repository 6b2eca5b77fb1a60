package org.fusionc.runtime.cluster;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * The newest recoveries of a run, which may go on for months: whoever wants them all listens. Safe
 * for use by several threads.
 */
final class RecoveryLog {
  private final int most;

  /** Of these the last {@code unreported} have not been reported. */
  private final Deque<Recovery> newest = new ArrayDeque<>();

  private int unreported;
  private long total;

  /**
   * @param most that are kept
   */
  RecoveryLog(int most) {
    this.most = most;
  }

  synchronized void add(Recovery recovery) {
    if (newest.size() == most) {
      newest.removeFirst();
    }
    newest.add(recovery);
    unreported = Math.min(unreported + 1, most);
    total++;
  }

  /** The newest one last. */
  synchronized List<Recovery> newest() {
    return List.copyOf(newest);
  }

  /** How many there have been. */
  synchronized long total() {
    return total;
  }

  /** Gives those that are kept and that it has not given before, in order. */
  synchronized void report(Consumer<Recovery> to) {
    newest.stream().skip(newest.size() - unreported).forEach(to);
    unreported = 0;
  }
}
