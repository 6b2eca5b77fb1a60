package org.fusionc.runtime.wire;

/** A message that must not be used; the text says what is wrong and where. */
public final class FrameRefused extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Longest piece of a message that is repeated in the text, in characters. */
  private static final int QUOTED = 64;

  public FrameRefused(String message) {
    // Nobody looks for a bug here when others send nonsense.
    super(message, null, false, false);
  }

  /** Text from a message, so short that it may stand in another one. */
  static String quoted(String text) {
    return "'" + (text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "…") + "'";
  }
}
