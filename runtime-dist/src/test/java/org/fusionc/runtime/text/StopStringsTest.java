package org.fusionc.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  @Test
  void aStopStringAcrossPiecesEndsTheText() {
    var stops = new StopStrings(List.of("</end>"));
    assertThat(stops.accept("Hello <")).isEqualTo("Hello ");
    assertThat(stops.accept("/e")).isEmpty();
    assertThat(stops.accept("nd> more")).isEmpty();
    assertThat(stops.found()).contains("</end>");
    assertThat(stops.accept("even more")).isEmpty();
    assertThat(stops.finish()).isEmpty();
  }

  @Test
  void whatTurnsOutToBeNoStopStringGoesOut() {
    var stops = new StopStrings(List.of("aab"));
    assertThat(stops.accept("aa")).isEmpty();
    assertThat(stops.accept("a")).isEqualTo("a");
    assertThat(stops.accept("c")).isEqualTo("aac");
    assertThat(stops.accept("a")).isEmpty();
    assertThat(stops.finish()).isEqualTo("a");
    assertThat(stops.found()).isEmpty();
  }

  @Test
  void theFirstToBeCompleteWins() {
    var stops = new StopStrings(List.of("world", "lo", "ello worl"));
    assertThat(stops.accept("hello world")).isEqualTo("hel");
    assertThat(stops.found()).contains("lo");
  }

  @Test
  void withoutStopStringsEverythingGoesOutAtOnce() {
    var stops = new StopStrings(List.of());
    assertThat(stops.accept("abc")).isEqualTo("abc");
  }

  @Test
  void anEmptyStopStringIsAUsageError() {
    assertThatThrownBy(() -> new StopStrings(List.of("a", "")))
        .isInstanceOf(DiagnosticException.class);
  }

  /** However the text is cut, what comes out is what a search in the whole text says. */
  @Test
  void agreesWithASearchInTheWholeText() {
    var random = new Random(3);
    for (int round = 0; round < 3000; round++) {
      String text = letters(random, random.nextInt(30));
      List<String> list =
          List.of(letters(random, 1 + random.nextInt(5)), letters(random, 1 + random.nextInt(5)));
      var stops = new StopStrings(list);
      var out = new StringBuilder();
      for (int at = 0; at < text.length(); ) {
        int end = Math.min(text.length(), at + 1 + random.nextInt(4));
        out.append(stops.accept(text.substring(at, end)));
        at = end;
      }
      out.append(stops.finish());
      assertThat(out.toString()).isEqualTo(expected(text, list));
      assertThat(stops.found().isPresent()).isEqualTo(list.stream().anyMatch(text::contains));
    }
  }

  private static String expected(String text, List<String> stops) {
    for (int end = 0; end <= text.length(); end++) {
      String head = text.substring(0, end);
      var start =
          stops.stream().filter(head::endsWith).mapToInt(s -> head.length() - s.length()).min();
      if (start.isPresent()) {
        return text.substring(0, start.getAsInt());
      }
    }
    return text;
  }

  private static String letters(Random random, int length) {
    var text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
