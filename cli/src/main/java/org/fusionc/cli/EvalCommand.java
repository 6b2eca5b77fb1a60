package org.fusionc.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.runtime.model.Evaluation;
import org.fusionc.runtime.model.ModelSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc eval}. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    description = {
      "Measures how well a model foretells a text: its perplexity.",
      "With --quantize, how far the quantised model is from the model as it is;",
      "both are computed with the same --backend and --cpu-tier, which the report names."
    })
final class EvalCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();

  @Option(
      names = "--text",
      required = true,
      paramLabel = "FILE",
      description = "the text, in UTF-8")
  private Path text = Path.of("");

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "tokens of a window (default: 512, or the model's context if that is less)")
  private @Nullable Integer context;

  @Option(
      names = "--stride",
      paramLabel = "N",
      description = "from the start of a window to the next one's (default: half a window)")
  private @Nullable Integer stride;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "read the first N tokens of the text only")
  private int tokens = Integer.MAX_VALUE;

  @Option(
      names = "--reference",
      paramLabel = "MODEL",
      description = "compare with this model instead of with MODEL as it is")
  private @Nullable Path reference;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @Override
  public Integer call() {
    try (var source = model.open();
        var base = reference == null ? null : ModelSource.open(reference, null)) {
      var commandLine = Objects.requireNonNull(spec).commandLine();
      var windows = Evaluation.windows(source, context, stride);
      var ids = Evaluation.tokens(source, text, tokens);
      var progress = new PercentLine(commandLine.getErr());
      var running = new Evaluation.Running(engine.backend(), engine.threads(), engine.cut());
      var changed = new Evaluation.Subject(source, engine.quantize());
      var first = new Evaluation.Subject(base == null ? source : base, null);
      var second = base == null && engine.quantize() == null ? null : changed;
      if (base != null) {
        engine.tellRepacking(base);
      }
      engine.tellRepacking(source);
      var report = Evaluation.run(ids, windows, first, second, running, progress::show);
      var out = commandLine.getOut();
      if (json) {
        out.println(Json.of(object(report)));
      } else {
        print(report, out);
      }
      out.flush();
    }
    return 0;
  }

  private void print(Evaluation.Report report, java.io.PrintWriter out) {
    out.printf(
        "%s: %d tokens, %d foretold in %d windows of %d, stride %d%n",
        text,
        report.tokens(),
        report.scored(),
        report.windows(),
        report.shape().context(),
        report.shape().stride());
    line(reference == null ? "as it is" : "reference", report.model(), report.model(), out);
    var other = report.other();
    var distance = report.distance();
    if (other != null && distance != null) {
      line(changed(), other, report.model(), out);
      out.printf(
          "KL divergence: mean %.6f, median %.6f, 99 %% below %.6f, largest %.6f nats%n",
          distance.mean(), distance.median(), distance.percentile99(), distance.largest());
      out.printf("same likeliest token: %.2f %%%n", 100 * distance.agreement());
    }
  }

  /** What is compared with the first model. */
  private String changed() {
    var rules = engine.quantize();
    return rules == null ? model.name() : rules;
  }

  private static void line(
      String name, Evaluation.Quality quality, Evaluation.Quality base, java.io.PrintWriter out) {
    out.printf(
        "%-20s perplexity %9.4f ± %.4f (%+.2f %%), weights %.2f MiB, on %s%n",
        name,
        quality.perplexity(),
        quality.error(),
        100 * (quality.perplexity() / base.perplexity() - 1),
        quality.weightBytes() / 0x1p20,
        quality.backend());
  }

  private Map<String, Object> object(Evaluation.Report report) {
    var object = new LinkedHashMap<String, Object>();
    object.put("text", text.toString());
    object.put("tokens", report.tokens());
    object.put("scored", report.scored());
    object.put("windows", report.windows());
    object.put("context", report.shape().context());
    object.put("stride", report.shape().stride());
    object.put("model", quality(report.model()));
    var other = report.other();
    var distance = report.distance();
    if (other != null && distance != null) {
      object.put("compared", changed());
      object.put("other", quality(other));
      var kl = new LinkedHashMap<String, Object>();
      kl.put("mean", distance.mean());
      kl.put("median", distance.median());
      kl.put("p99", distance.percentile99());
      kl.put("max", distance.largest());
      object.put("kl_divergence", kl);
      object.put("top1_agreement", distance.agreement());
    }
    return object;
  }

  private static Map<String, Object> quality(Evaluation.Quality quality) {
    var object = new LinkedHashMap<String, Object>();
    object.put("perplexity", quality.perplexity());
    object.put("perplexity_error", quality.error());
    object.put("weight_bytes", quality.weightBytes());
    object.put("backend", quality.backend());
    return object;
  }
}
