package org.fusionc.runtime.text;

import java.util.List;
import java.util.Optional;
import org.fusionc.ir.diagnostic.Diagnostic;

/**
 * Ends a stream of text before the first of some strings that becomes complete, wherever the pieces
 * of text are cut. Of the text so far only an end that may still become a stop string is held back.
 *
 * <p>Not safe for use by several threads; one per generated sequence.
 */
public final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private Optional<String> found = Optional.empty();

  /**
   * @param stops none of them empty; of two that end at one place the longer is found
   */
  public StopStrings(List<String> stops) {
    if (stops.stream().anyMatch(String::isEmpty)) {
      throw Diagnostic.usage("a stop string is empty", "leave it away").exception();
    }
    this.stops = List.copyOf(stops);
  }

  /** The part of the text so far that may go out now; after a stop string was met, nothing. */
  public String accept(String text) {
    if (found.isPresent()) {
      return "";
    }
    held.append(text);
    int at = firstStop();
    if (at >= 0) {
      String out = held.substring(0, at);
      held.setLength(0);
      return out;
    }
    int keep = held.length();
    for (String stop : stops) {
      keep = Math.min(keep, startOfPossible(stop));
    }
    String out = held.substring(0, keep);
    held.delete(0, keep);
    return out;
  }

  /** What was held back, when the text ends without a stop string. */
  public String finish() {
    String out = held.toString();
    held.setLength(0);
    return out;
  }

  /** The stop string that ended the text, if one did. */
  public Optional<String> found() {
    return found;
  }

  /** Where the stop string begins that is complete first, so that cuts make no difference. */
  private int firstStop() {
    int first = -1;
    int firstEnd = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      int end = at + stop.length();
      if (at >= 0 && (end < firstEnd || (end == firstEnd && at < first))) {
        first = at;
        firstEnd = end;
        found = Optional.of(stop);
      }
    }
    return first;
  }

  /** Where the longest end of the held text begins that {@code stop} begins with. */
  private int startOfPossible(String stop) {
    for (int i = Math.max(0, held.length() - stop.length() + 1); i < held.length(); i++) {
      if (stop.startsWith(held.substring(i))) {
        return i;
      }
    }
    return held.length();
  }
}
