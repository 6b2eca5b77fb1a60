package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.pass.Finding;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;

/** Runs pipelines on FIR text. */
final class Fir {
  private static final PassRegistry PASSES = PassRegistry.load();
  private static final String HEAD = "fir 1.0\ndim T in [1, 64]\ndim S in [1, 64]\n";

  private Fir() {}

  /** A module of the items, under a header with the symbols T and S. */
  static Module parse(String items) {
    return FirParser.parse(HEAD + items, "test.fir", new Graph(), OpRegistry.builtIn());
  }

  static PassManager.Outcome run(String pipeline, String items) {
    return new PassManager().run(parse(items), Pipeline.parse(pipeline, PASSES));
  }

  /** The items after the pipeline, which must parse back. */
  static String after(String pipeline, String items) {
    var text = FirPrinter.print(run(pipeline, items).module());
    var again = FirParser.parse(text, "again.fir", new Graph(), OpRegistry.builtIn());
    assertThat(FirPrinter.print(again)).isEqualTo(text);
    return text.substring(text.indexOf("dim S in [1, 64]\n") + "dim S in [1, 64]\n".length())
        .strip();
  }

  /** What a function's body is after the pipeline, line by line, without the types. */
  static List<String> body(String pipeline, String items) {
    return after(pipeline, items)
        .lines()
        .dropWhile(line -> !line.startsWith("func"))
        .skip(1)
        .takeWhile(line -> !line.equals("}"))
        .map(line -> line.strip().replaceAll(" : [^:]*$", ""))
        .toList();
  }

  /** Reasons for what did not fire. */
  static List<String> reasons(String pipeline, String items) {
    return run(pipeline, items).findings().stream()
        .filter(f -> f.kind() == Finding.Kind.NEARLY)
        .map(Finding::note)
        .toList();
  }

  /** How often rules fired. */
  static long fired(String pipeline, String items) {
    return run(pipeline, items).findings().stream()
        .filter(f -> f.kind() == Finding.Kind.FIRED)
        .count();
  }
}
