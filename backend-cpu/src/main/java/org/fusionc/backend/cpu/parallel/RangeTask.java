package org.fusionc.backend.cpu.parallel;

/** Work on a range of independent items. */
@FunctionalInterface
public interface RangeTask {

  /** Does the items {@code from} (inclusive) to {@code to} (exclusive). */
  void run(long from, long to);
}
