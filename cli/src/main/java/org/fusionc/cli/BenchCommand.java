package org.fusionc.cli;

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.runtime.model.Benchmark;
import org.fusionc.runtime.model.Generation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc bench}. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures prefill and decode of one sequence, in tokens per second.")
final class BenchCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      description = "tokens of the prefill test (default ${DEFAULT-VALUE})",
      defaultValue = "256")
  private int promptTokens;

  @Option(
      names = "--generate",
      paramLabel = "N",
      description = "tokens of the decode test (default ${DEFAULT-VALUE})",
      defaultValue = "32")
  private int generate;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = "repetitions, of which the median counts (default ${DEFAULT-VALUE})",
      defaultValue = "3")
  private int repeat;

  @Option(names = "--json", description = "print a JSON array")
  private boolean json;

  @Override
  public Integer call() {
    try (var source = model.open()) {
      Benchmark.check(source, promptTokens, generate, repeat);
      int positions = Math.max(promptTokens, generate + 1);
      try (var running = engine.start(source, positions)) {
        var rows =
            Benchmark.run(running, promptTokens, generate, repeat, Generation.vocabulary(source));
        var out = Objects.requireNonNull(spec).commandLine().getOut();
        if (json) {
          out.println(
              Json.of(
                  rows.stream()
                      .map(r -> Map.of("test", r.test(), "tokens_per_second", r.tokensPerSecond()))
                      .toList()));
        } else {
          rows.forEach(r -> out.printf("%-10s %10.2f tokens/s%n", r.test(), r.tokensPerSecond()));
        }
        out.flush();
      }
    }
    return 0;
  }
}
