package org.fusionc.runtime.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;

/**
 * Finds the calls of tools in a stream of text: {@code <tool_call>{"name": …, "arguments":
 * {…}}</tool_call>}, as Qwen's and Hermes' models write them. What is no such call stays text.
 *
 * <p>Not safe for use by several threads; one per generated sequence.
 */
final class ToolCalls {
  private static final String OPEN = "<tool_call>";
  private static final String CLOSE = "</tool_call>";

  /**
   * A call.
   *
   * @param arguments the text of a JSON object
   */
  record Call(String name, String arguments) {}

  /** What became certain: text, then calls. */
  record Piece(String text, List<Call> calls) {}

  private final StringBuilder held = new StringBuilder();
  private boolean any;

  /** Takes text; gives what can go out. */
  Piece accept(String text) {
    held.append(text);
    var out = new StringBuilder();
    var calls = new ArrayList<Call>();
    while (true) {
      int open = held.indexOf(OPEN);
      if (open < 0) {
        int keep = possibleStart();
        flush(out, keep);
        return new Piece(out.toString(), calls);
      }
      flush(out, open);
      int close = held.indexOf(CLOSE);
      if (close < 0) {
        return new Piece(out.toString(), calls);
      }
      var call = parse(held.substring(OPEN.length(), close));
      if (call.isPresent()) {
        calls.add(call.get());
        any = true;
        held.delete(0, close + CLOSE.length());
      } else {
        out.append(held, 0, close + CLOSE.length());
        held.delete(0, close + CLOSE.length());
      }
    }
  }

  /** What was held back, at the end: a call that was not finished is text. */
  String finish() {
    var out = new StringBuilder();
    flush(out, held.length());
    return out.toString();
  }

  boolean any() {
    return any;
  }

  /** Moves the first characters out; space around calls is not part of the text. */
  private void flush(StringBuilder out, int count) {
    var text = held.substring(0, count);
    if (!(any && text.isBlank())) {
      out.append(text);
    }
    held.delete(0, count);
  }

  /** Where the longest end of the held text begins that may become an opening tag. */
  private int possibleStart() {
    for (int i = Math.max(0, held.length() - OPEN.length() + 1); i < held.length(); i++) {
      if (OPEN.startsWith(held.substring(i))) {
        return i;
      }
    }
    return held.length();
  }

  private static Optional<Call> parse(String text) {
    try {
      var json = Json.read(text.strip());
      var name = json.get("name");
      var arguments = json.get("arguments");
      if (name == null || !name.isString() || arguments == null || !arguments.isObject()) {
        return Optional.empty();
      }
      return Optional.of(new Call(name.stringValue(), arguments.toString()));
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }
}
