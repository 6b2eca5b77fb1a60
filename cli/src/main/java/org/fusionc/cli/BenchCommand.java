package org.fusionc.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.runtime.model.Benchmark;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.Generation;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.model.ResidentMemory;
import org.fusionc.runtime.model.Rival;
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
    description = "Measures prefill and decode in tokens per second.")
final class BenchCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private RemoteOptions cluster = new RemoteOptions();

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
      names = "--depth",
      paramLabel = "N",
      description = "tokens that the decode test begins with (default ${DEFAULT-VALUE})",
      defaultValue = "1")
  private int depth;

  @Option(
      names = "--sequences",
      paramLabel = "N",
      description = "sequences that the decode test runs at once (default ${DEFAULT-VALUE})",
      defaultValue = "1")
  private int sequences;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = {
        "repetitions, of which the median is printed, and the best, which others on the machine",
        "disturb least (default ${DEFAULT-VALUE})"
      },
      defaultValue = "3")
  private int repeat;

  @Option(
      names = "--warmup",
      paramLabel = "SECONDS",
      description = {
        "for how long repetitions do not count at first, one at least: the JVM compiles the code",
        "between kernels meanwhile (default ${DEFAULT-VALUE})"
      },
      defaultValue = "4")
  private int warmup;

  @Option(
      names = "--against",
      paramLabel = "COMMAND",
      description = {
        "take turns with another program, which the shell runs once in each repetition and which",
        "prints its tokens per second; both and the ratio are printed"
      })
  private @Nullable String against;

  @Option(
      names = "--against-pattern",
      paramLabel = "REGEX",
      description = {
        "finds the rival's figures: (?<rate>…) is one in tokens per second, (?<test>…) the name of",
        "its test; without names they are those of prefill and decode, in order",
        "(default: figures after names such as pp256 and tg32)"
      })
  private @Nullable String pattern;

  @Option(
      names = "--against-timeout",
      paramLabel = "SECONDS",
      description = "how long the rival may take (default: 600)")
  private @Nullable Integer timeout;

  @Option(
      names = "--limits",
      description = {
        "measure in each repetition what the machine can do, too, and print which part of its",
        "arithmetic the prefill used, and which part of its read bandwidth the decode; without the",
        "peak of resident memory, of which it takes some itself"
      })
  private boolean limits;

  @Option(names = "--json", description = "print a JSON array")
  private boolean json;

  @Override
  public Integer call() {
    cluster.check(engine);
    if (limits && cluster.isGiven()) {
      throw Diagnostic.usage(
              "--limits measures this machine, and --cluster runs elsewhere",
              "leave one of them out")
          .exception();
    }
    if (limits && !engine.isCpu()) {
      throw Diagnostic.usage(
              "--limits is for the backend cpu, whose machine can be measured", "leave it away")
          .exception();
    }
    if (warmup < 0) {
      throw Diagnostic.usage("--warmup must be at least 0, not " + warmup, "give seconds")
          .exception();
    }
    var rival = rival();
    try (var source = model.open()) {
      var sizes = new Benchmark.Sizes(promptTokens, generate, depth, sequences, repeat);
      Benchmark.check(source, sizes);
      long begin = System.nanoTime();
      if (cluster.isGiven()) {
        var messages = Objects.requireNonNull(spec).commandLine().getErr();
        int positions = sizes.positions() + 1;
        try (var connected =
            cluster.open(source, model.path(), engine, sequences, positions, "bench", messages)) {
          measure(connected.cluster().engine(), source, sizes, rival, begin);
        }
      } else {
        try (var running = engine.start(source, source.context(), sizes.positions(), sequences)) {
          measure(running, source, sizes, rival, begin);
        }
      }
    }
    return 0;
  }

  private @Nullable Rival rival() {
    if (against == null) {
      if (pattern != null || timeout != null) {
        throw Diagnostic.usage(
                "%s is for a rival, but there is none"
                    .formatted(pattern == null ? "--against-timeout" : "--against-pattern"),
                "name one with --against, or leave it away")
            .exception();
      }
      return null;
    }
    int seconds = timeout == null ? 600 : timeout;
    if (seconds < 1) {
      throw Diagnostic.usage("--against-timeout must be at least 1, not " + seconds, "give seconds")
          .exception();
    }
    return Rival.of(
        against, pattern == null ? Rival.DEFAULT_PATTERN : pattern, Duration.ofSeconds(seconds));
  }

  /**
   * @param begin when it began to compile and load
   */
  private void measure(
      Engine running,
      ModelSource source,
      Benchmark.Sizes sizes,
      @Nullable Rival rival,
      long begin) {
    double loadMillis = (System.nanoTime() - begin) / 1e6;
    var report =
        Benchmark.run(
            running,
            sizes,
            Generation.vocabulary(source),
            Duration.ofSeconds(warmup),
            rival,
            () -> limits ? engine.backend().peak(engine.threads()) : Optional.empty());
    var out = Objects.requireNonNull(spec).commandLine().getOut();
    if (json) {
      out.println(Json.of(objects(report, loadMillis)));
    } else {
      print(report, loadMillis, out);
    }
    out.flush();
  }

  private void print(Benchmark.Report report, double loadMillis, PrintWriter out) {
    for (var row : report.rows()) {
      var rival = row.rival();
      out.printf("%-10s %s", row.test(), rate(row.rate()));
      if (rival != null) {
        var ratio = row.rate().over(rival);
        out.printf(
            "   rival %s   ratio %.2f (best %.2f)", rate(rival), ratio.median(), ratio.best());
      }
      var limit = row.limit();
      if (limit != null) {
        out.printf("   %.0f %% of %.1f %s", 100 * limit.fraction(), limit.peak(), limit.unit());
      }
      out.println();
    }
    out.printf("compiled and loaded in %.0f ms%n", loadMillis);
    out.printf("time to first token %.1f ms%n", report.firstTokenMillis());
    peak().ifPresent(bytes -> out.printf("peak resident memory %.1f MiB%n", bytes / 0x1p20));
  }

  /** Not with --limits, which reads memory of its own to see how fast that goes. */
  private OptionalLong peak() {
    return limits ? OptionalLong.empty() : ResidentMemory.peak();
  }

  private static String rate(Benchmark.Spread rate) {
    return "%10.2f tokens/s (best %.2f)".formatted(rate.median(), rate.best());
  }

  private Object objects(Benchmark.Report report, double loadMillis) {
    var rows = new ArrayList<Object>();
    for (var row : report.rows()) {
      var object = new LinkedHashMap<String, Object>();
      object.put("test", row.test());
      object.put("tokens_per_second", row.rate().median());
      object.put("best_tokens_per_second", row.rate().best());
      var rival = row.rival();
      if (rival != null) {
        var ratio = row.rate().over(rival);
        object.put("rival_tokens_per_second", rival.median());
        object.put("rival_best_tokens_per_second", rival.best());
        object.put("ratio", ratio.median());
        object.put("best_ratio", ratio.best());
      }
      var limit = row.limit();
      if (limit != null) {
        object.put("unit", limit.unit());
        object.put("reached", limit.reached());
        object.put("peak", limit.peak());
        object.put("fraction", limit.fraction());
      }
      object.put("load_ms", loadMillis);
      object.put("time_to_first_token_ms", report.firstTokenMillis());
      peak().ifPresent(bytes -> object.put("peak_resident_bytes", bytes));
      rows.add(object);
    }
    return rows;
  }
}
