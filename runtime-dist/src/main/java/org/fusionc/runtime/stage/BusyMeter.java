package org.fusionc.runtime.stage;

/** How much of the last second was spent computing, and how long a token takes to decode. */
final class BusyMeter {
  private static final long SLOT = 100_000_000;
  private static final int SLOTS = 10;
  private static final double WEIGHT = 0.1;

  private final long[] busy = new long[SLOTS + 1];
  private final long[] slot = new long[SLOTS + 1];
  private long began;
  private long counted;
  private boolean running;
  private double nanosPerToken;

  synchronized void begin(long now) {
    began = now;
    counted = now;
    running = true;
  }

  /**
   * @param decoded tokens, if the frame did nothing but decode; else 0
   */
  synchronized void end(long now, int decoded) {
    spread(counted, now);
    running = false;
    if (decoded > 0) {
      double each = (double) (now - began) / decoded;
      nanosPerToken = nanosPerToken == 0 ? each : nanosPerToken + WEIGHT * (each - nanosPerToken);
    }
  }

  private void spread(long from, long to) {
    long begin = Math.max(from, to - SLOTS * SLOT);
    while (begin < to) {
      long number = Math.floorDiv(begin, SLOT);
      long end = Math.min(to, (number + 1) * SLOT);
      int index = (int) Math.floorMod(number, SLOTS + 1L);
      if (slot[index] != number) {
        slot[index] = number;
        busy[index] = 0;
      }
      busy[index] += end - begin;
      begin = end;
    }
  }

  /** The share of the last second, 0 to 1. */
  synchronized double share(long now) {
    if (running) {
      spread(counted, now);
      counted = Math.max(counted, now);
    }
    long current = Math.floorDiv(now, SLOT);
    long sum = 0;
    for (int i = 0; i <= SLOTS; i++) {
      if (busy[i] > 0 && slot[i] > current - SLOTS && slot[i] <= current) {
        sum += busy[i];
      }
    }
    return Math.min(1, sum / (double) (SLOTS * SLOT));
  }

  synchronized double nanosPerToken() {
    return nanosPerToken;
  }
}
