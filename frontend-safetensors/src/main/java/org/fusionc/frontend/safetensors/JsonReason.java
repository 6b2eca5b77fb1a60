package org.fusionc.frontend.safetensors;

import tools.jackson.core.JacksonException;

/** What a JSON parser complains of, in words for people. */
public final class JsonReason {
  private JsonReason() {}

  /** Ends a message of the form {@code it is not valid JSON: …}; without names of classes. */
  public static String of(JacksonException malformed) {
    String message = malformed.getOriginalMessage();
    String line = message == null ? "" : message.lines().findFirst().orElse("");
    // Where what is open begins is said with the parser's settings.
    int start = line.indexOf(" (start marker at");
    String reason = (start < 0 ? line : line.substring(0, start)).strip();
    return reason.isEmpty() ? "syntax error" : reason;
  }
}
