package org.fusionc.runtime.exec;

import java.util.List;

/**
 * How a session ended.
 *
 * @param ids the generated ids, without the one that ended it
 * @param logits the logits after the prompt's last token; not to be changed
 * @param firstTokenNanos from submission to the first token
 * @param decodeNanos from the first token to the last
 */
public record Completion(
    List<Integer> ids, Reason reason, float[] logits, long firstTokenNanos, long decodeNanos) {
  /** Why a session ended. */
  public enum Reason {
    /** A stop id came, or the listener asked for the end. */
    STOP,
    /** The number of tokens asked for is reached. */
    LENGTH,
    /** The model's context is full. */
    CONTEXT,
    /** The session was cancelled. */
    CANCELLED
  }

  public Completion {
    ids = List.copyOf(ids);
  }
}
