package org.fusionc.partitioner;

import java.util.Locale;

/** What a plan is to be good at. */
public enum Objective {
  /** The time of one decoding step, from a token's entry to the next one's. */
  LATENCY,
  /** Tokens per second over all sequences of the batch. */
  THROUGHPUT;

  /** As written in a plan and on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
