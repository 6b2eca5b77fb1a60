package org.fusionc.ir.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A text with random damage is read, or is a diagnostic with its place; nothing else happens. */
class MutatedTextTest {
  private static final String[] PIECES = {
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ",",
    ":",
    "=",
    "->",
    "_",
    "%x",
    "@w",
    "\"",
    "\\",
    "//",
    "\n",
    "-",
    "*",
    "func",
    "@f",
    "dim",
    "weight",
    "plan",
    "pipeline",
    "return",
    "inf",
    "1e999",
    "9999999999999999999",
    "0",
    "-1",
    "q4",
    "q4<0>",
    "f32",
    "kv<1, 2, 3, f16>",
    "loc",
    "body",
    "%0",
    "%\"\"",
    "@\"a\\u0000b\"",
    "\uD800",
    "\u0000",
    "é",
    "µs"
  };

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void damage(long seed) {
    var random = new Random(seed);
    var graph = new Graph();
    var ops = OpRegistry.builtIn();
    int read = 0;
    for (int i = 0; i < 400; i++) {
      var text = new StringBuilder(RoundTripTest.DECODER);
      int mutations = 1 + random.nextInt(3);
      for (int m = 0; m < mutations; m++) {
        mutate(text, random);
      }
      try {
        var module = FirParser.parse(text.toString(), "m.fir", graph, ops);
        var printed = FirPrinter.print(module);
        var again = FirParser.parse(printed, "m.fir", graph, ops);
        assertThat(again.sameAs(module)).as("%s", text).isTrue();
        assertThat(FirPrinter.print(again)).isEqualTo(printed);
        read++;
      } catch (DiagnosticException e) {
        assertThat(e.failure()).isEqualTo(Failure.INVALID_INPUT);
        assertThat(e.diagnostics()).extracting(Diagnostic::location).allMatch(Location::isKnown);
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("this text breaks the parser:\n" + text, e);
      }
    }
    assertThat(read).isBetween(1, 399);
  }

  private static void mutate(StringBuilder text, Random random) {
    int at = random.nextInt(text.length());
    switch (random.nextInt(5)) {
      case 0 -> text.deleteCharAt(at);
      case 1 -> text.delete(at, Math.min(text.length(), at + random.nextInt(80)));
      case 2 -> text.insert(at, " " + PIECES[random.nextInt(PIECES.length)] + " ");
      case 3 -> text.insert(at, text.substring(at, Math.min(text.length(), at + 60)));
      default -> {
        int from = random.nextInt(text.length());
        int to = Math.min(text.length(), from + 1 + random.nextInt(12));
        text.replace(at, Math.min(text.length(), at + to - from), text.substring(from, to));
      }
    }
  }
}
