package org.fusionc.runtime.exec;

/** Hears of each token as it is generated, on the coordinator's thread: it must not wait. */
@FunctionalInterface
public interface TokenListener {
  /** Takes a token; false ends the session with reason {@code STOP}. */
  boolean accept(int id);
}
