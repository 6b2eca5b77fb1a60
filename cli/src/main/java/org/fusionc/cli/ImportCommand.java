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
import picocli.CommandLine.Spec;

/** {@code fusionc import}. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = "Writes a model as FIR, as the front end reads it; weights stay in their files.")
final class ImportCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE.fir",
      description = "write there instead of to the terminal; its directory must be there")
  private @Nullable Path output;

  @Override
  public Integer call() {
    try (var source = model.open()) {
      var text = FirPrinter.print(source.module());
      FirFile.write(text, output, Objects.requireNonNull(spec).commandLine().getOut());
    }
    return 0;
  }
}
