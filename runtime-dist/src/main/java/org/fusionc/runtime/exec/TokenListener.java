package org.fusionc.runtime.exec;

import org.fusionc.runtime.sampling.LogProbabilities;

/**
 * Hears of each token as it is generated, in order, and one at a time. It may wait, for a terminal
 * say: other sessions go on meanwhile, and its own as far as {@link Hearing#MOST} tokens are kept
 * for it.
 */
@FunctionalInterface
public interface TokenListener {
  /**
   * Takes a token; false ends the session with reason {@code STOP}, and this token is its last,
   * however far the session is ahead.
   */
  boolean accept(int id);

  /**
   * As the other, for requests with {@link Request#alternatives}.
   *
   * @param choice of the model's own distribution, before penalties, bias, temperature and filters
   */
  default boolean accept(int id, LogProbabilities.Choice choice) {
    return accept(id);
  }

  /**
   * Whether it may wait. One that never does is called by whoever brings the result, before the
   * session's next token is computed.
   */
  default boolean mayWait() {
    return true;
  }

  /** As another, which never waits. */
  static TokenListener prompt(TokenListener listener) {
    return new TokenListener() {
      @Override
      public boolean accept(int id) {
        return listener.accept(id);
      }

      @Override
      public boolean accept(int id, LogProbabilities.Choice choice) {
        return listener.accept(id, choice);
      }

      @Override
      public boolean mayWait() {
        return false;
      }
    };
  }
}
