package org.fusionc.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.ir.pass.PassRegistry;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc passes}. */
@Command(
    name = "passes",
    mixinStandardHelpOptions = true,
    description = "Lists the passes with their options.")
final class PassesCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--plugin",
      paramLabel = "JAR",
      description = "a jar with passes of its own; may be repeated")
  private List<Path> plugins = List.of();

  @Override
  public Integer call() {
    var out = Objects.requireNonNull(spec).commandLine().getOut();
    for (var pass : PassRegistry.load(plugins).all()) {
      out.printf("%-22s %s%n", pass.name(), pass.summary());
      for (var option : pass.options()) {
        out.printf(
            "%-22s   {%s=%s} %s%n", "", option.name(), option.defaultValue(), option.summary());
      }
    }
    out.flush();
    return 0;
  }
}
