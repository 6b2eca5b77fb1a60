package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.runtime.model.FirFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fusionc print}. */
@Command(
    name = "print",
    mixinStandardHelpOptions = true,
    description = "Prints a model, an artifact or a FIR file as formatted FIR text.")
final class PrintCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL|ARTIFACT|FILE.fir", description = "what to print")
  private Path file = Path.of("");

  @Option(
      names = "--phase",
      paramLabel = "PHASE",
      description =
          "compile as far as this phase first: imported, raised, optimized, quantized,"
              + " partitioned, lowered or scheduled")
  private @Nullable String phase;

  @Mixin private EngineOptions engine = new EngineOptions();

  @Override
  public Integer call() {
    var module = FirFile.open(file, phase, engine.cut(), engine.backend(), engine.quantize());
    FirFile.write(
        FirPrinter.print(module), null, Objects.requireNonNull(spec).commandLine().getOut());
    return 0;
  }
}
