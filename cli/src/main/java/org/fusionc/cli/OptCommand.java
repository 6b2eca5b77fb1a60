package org.fusionc.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.runtime.model.FirFile;
import org.fusionc.runtime.model.Optimization;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fusionc opt}. */
@Command(
    name = "opt",
    mixinStandardHelpOptions = true,
    description = {
      "Runs passes over a FIR file and prints what comes out.",
      "A reproducer file brings its own pipeline; -p overrides it."
    })
final class OptCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(index = "0", paramLabel = "FILE.fir", description = "the file")
  private Path file = Path.of("");

  @Option(
      names = {"-p", "--passes"},
      paramLabel = "PIPELINE",
      description = "the passes in order: 'canonicalize,dce'; see fusionc passes")
  private @Nullable String pipeline;

  @Option(
      names = "--plugin",
      paramLabel = "JAR",
      description = "a jar with passes or ops of its own; may be repeated")
  private List<Path> plugins = List.of();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE.fir",
      description = "write there instead of to the terminal; its directory must be there")
  private @Nullable Path output;

  @Option(names = "--stats", description = "tell on stderr what each pass did and how long it took")
  private boolean stats;

  @Override
  public Integer call() {
    var registry = PassRegistry.load(plugins);
    var commandLine = Objects.requireNonNull(spec).commandLine();
    var outcome =
        Optimization.run(
            FirFile.read(file, registry.ops()), file, pipeline, registry, commandLine.getErr());
    if (stats) {
      outcome.runs().forEach(run -> commandLine.getErr().println(Optimization.statistics(run)));
    }
    FirFile.write(FirPrinter.print(outcome.module()), output, commandLine.getOut());
    return 0;
  }
}
