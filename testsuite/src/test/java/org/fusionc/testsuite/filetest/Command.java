package org.fusionc.testsuite.filetest;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Verifier;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.interpret.Datum;
import org.fusionc.ir.interpret.Interpreter;
import org.fusionc.ir.pass.Finding;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.testsuite.Repository;
import org.fusionc.testsuite.property.Agreement;

/** What a file test can do with its text. */
final class Command {
  private static final PassRegistry PASSES = PassRegistry.load();

  private Command() {}

  /**
   * What comes out, ending in a newline.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException with what is wrong with the text
   */
  static String run(FileTest test) {
    var words = test.command().split("\\s+", 2);
    var rest = words.length == 1 ? "" : words[1];
    var module = parse(test.source(), test.file().getFileName().toString(), new Graph());
    return switch (words[0]) {
      case "print" -> printed(module);
      case "verify" -> "valid\n";
      case "opt" -> optimized(module, pipeline(rest));
      case "explain" -> explained(module, pipeline(rest));
      case "interpret" -> interpreted(module, rest, test.inputs());
      default -> throw new AssertionError(test.file() + ": there is no command " + words[0]);
    };
  }

  private static Module parse(String text, String file, Graph graph) {
    return Verifier.check(FirParser.parse(text, file, graph, PASSES.ops()));
  }

  private static Pipeline pipeline(String arguments) {
    if (!arguments.startsWith("-p ")) {
      throw new AssertionError("'-p PIPELINE' is missing");
    }
    return Pipeline.parse(arguments.substring(3).strip(), PASSES);
  }

  /** The text, which must parse to what was printed. */
  private static String printed(Module module) {
    var text = FirPrinter.print(module);
    var again = parse(text, "printed.fir", module.graph());
    if (!again.sameAs(module) || !FirPrinter.print(again).equals(text)) {
      throw new AssertionError(
          "what is printed does not parse to the same:\n"
              + text
              + "\nbecame\n"
              + FirPrinter.print(again));
    }
    return text;
  }

  /** What the passes make of it, which must compute what it computed before. */
  private static String optimized(Module module, Pipeline pipeline) {
    var after =
        new PassManager(PassManager.Settings.standard().withReproducers(Repository.scratch()))
            .run(module, pipeline)
            .module();
    for (var function : module.functions().keySet()) {
      for (long seed = 0; seed < 3 && after.functions().containsKey(function); seed++) {
        var difference = Agreement.difference(module, after, function, seed);
        if (difference.isPresent()) {
          throw new AssertionError(
              "@%s computes something else: %s\n%s"
                  .formatted(function, difference.get(), FirPrinter.print(after)));
        }
      }
    }
    return printed(after);
  }

  private static String explained(Module module, Pipeline pipeline) {
    var findings =
        new PassManager(PassManager.Settings.standard().withReproducers(Repository.scratch()))
            .run(module, pipeline)
            .findings();
    return findings.isEmpty()
        ? "nothing\n"
        : findings.stream().map(Finding::toString).collect(Collectors.joining("\n", "", "\n"));
  }

  private static String interpreted(Module module, String symbol, List<String> inputs) {
    var name = symbol.startsWith("@") ? symbol.substring(1) : symbol;
    var function = module.function(name);
    var data = new ArrayList<Datum>();
    for (var param : function.params()) {
      var prefix = "%" + function.notes().name(param).orElseThrow() + " = ";
      var given =
          inputs.stream()
              .filter(i -> i.startsWith(prefix))
              .findFirst()
              .orElseThrow(() -> new AssertionError("no '// input: " + prefix + "…' is given"));
      data.add(DatumText.read(given.substring(prefix.length()), param.type()));
    }
    return Interpreter.run(module, function, data, Command::none).stream()
        .map(datum -> DatumText.write(datum) + "\n")
        .collect(Collectors.joining());
  }

  private static Tensor none(Module.WeightDef weight) {
    throw Diagnostic.invalid(
            Location.named("@" + weight.symbol()),
            "a file test has no weight files",
            "make it a parameter")
        .exception();
  }
}
