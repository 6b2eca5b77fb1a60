package org.fusionc.runtime.exec;

import org.fusionc.runtime.sampling.LogProbabilities;

/** Hears of each token as it is generated, on the coordinator's thread: it must not wait. */
@FunctionalInterface
public interface TokenListener {
  /** Takes a token; false ends the session with reason {@code STOP}. */
  boolean accept(int id);

  /**
   * As the other, for requests with {@link Request#alternatives}.
   *
   * @param choice of the model's own distribution, before penalties, bias, temperature and filters
   */
  default boolean accept(int id, LogProbabilities.Choice choice) {
    return accept(id);
  }
}
