package org.fusionc.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.Generation;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc run}. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = "Generates text from a prompt, and streams it.")
final class RunCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();
  @Mixin private RemoteOptions cluster = new RemoteOptions();

  @ArgGroup(multiplicity = "0..1")
  private PromptOptions prompt = new PromptOptions();

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "generate at most N tokens (default ${DEFAULT-VALUE})",
      defaultValue = "256")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "F",
      description = "0 takes the likeliest token always (default: the model's own setting)")
  private @Nullable Float temperature;

  @Option(names = "--top-k", paramLabel = "N", description = "choose among the N likeliest")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "F",
      description = "choose among the likeliest that reach F")
  private @Nullable Float topP;

  @Option(
      names = "--min-p",
      paramLabel = "F",
      description = "choose among those at least F as likely as the likeliest")
  private @Nullable Float minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "F",
      description = "makes tokens that occurred less likely; 1 is off")
  private @Nullable Float repetitionPenalty;

  @Option(names = "--seed", paramLabel = "N", description = "the same seed gives the same text")
  private @Nullable Long seed;

  @Option(names = "--stop", paramLabel = "TEXT", description = "end at this text; may be repeated")
  private List<String> stops = List.of();

  @Option(names = "--ignore-eos", description = "go on after the model's end-of-text token")
  private boolean ignoreEos;

  @Option(names = "--chat", description = "put the prompt into the model's chat template")
  private boolean chat;

  @Option(names = "--json", description = "print one JSON object instead of the text")
  private boolean json;

  @Override
  public Integer call() {
    cluster.check(engine);
    try (var source = model.open()) {
      var tokenizer = source.tokenizer();
      var ids = prompt.encode(source, tokenizer, chat);
      var settings =
          new Generation.Settings(
              ids,
              Generation.checkMaxTokens(maxTokens),
              sampling(source.generation().recommended()),
              ignoreEos ? Set.of() : source.endOfText(),
              stops);
      Generation.checkPrompt(source, settings);
      var commandLine = java.util.Objects.requireNonNull(spec).commandLine();
      int positions = Generation.positions(source, settings);
      if (cluster.isGiven()) {
        try (var connected =
            cluster.open(source, model.path(), engine, 1, positions, "run", commandLine.getErr())) {
          var remote = connected.cluster();
          generate(remote.engine(), tokenizer, settings, remote::recoveries);
        }
      } else {
        try (var running = engine.start(source, positions)) {
          generate(running, tokenizer, settings, null);
        }
      }
    }
    return 0;
  }

  /**
   * @param recoveries what has happened to a cluster meanwhile; null in one process
   */
  private void generate(
      Engine running,
      Optional<Tokenizer> tokenizer,
      Generation.Settings settings,
      @Nullable Supplier<List<Recovery>> recoveries) {
    var out = java.util.Objects.requireNonNull(spec).commandLine().getOut();
    var output =
        Generation.run(
            running,
            tokenizer,
            settings,
            piece -> {
              if (!json) {
                out.print(piece);
                out.flush();
              }
            });
    if (json) {
      var object = object(output);
      if (recoveries != null) {
        object.put("recoveries", recoveries.get().stream().map(RunCommand::object).toList());
      }
      out.println(Json.of(object));
    } else {
      out.println(tokenizer.isEmpty() ? output.completion().ids() : "");
    }
    out.flush();
  }

  private SamplingOptions sampling(SamplingOptions recommended) {
    var options = recommended;
    options = temperature == null ? options : options.withTemperature(temperature);
    options = topK == null ? options : options.withTopK(topK);
    options = topP == null ? options : options.withTopP(topP);
    options = minP == null ? options : options.withMinP(minP);
    options =
        repetitionPenalty == null ? options : options.withRepetitionPenalty(repetitionPenalty);
    return seed == null ? options : options.withSeed(seed);
  }

  private static Map<String, Object> object(Generation.Output output) {
    var object = new LinkedHashMap<String, Object>();
    object.put("prompt_ids", output.promptIds());
    object.put("ids", output.completion().ids());
    object.put("text", output.text());
    object.put("finish_reason", output.completion().reason().toString());
    object.put("time_to_first_token_ms", output.timeToFirstTokenMillis());
    object.put("prefill_tokens_per_second", output.prefillTokensPerSecond());
    object.put("decode_tokens_per_second", output.decodeTokensPerSecond());
    return object;
  }

  private static Map<String, Object> object(Recovery recovery) {
    var object = new LinkedHashMap<String, Object>();
    object.put("stage", recovery.stage());
    object.put("from", recovery.from());
    object.put("to", recovery.to());
    object.put("cause", recovery.cause().toString());
    object.put("seconds", recovery.seconds());
    object.put("expected_seconds", recovery.expectedSeconds());
    object.put("replayed_tokens", recovery.replayedTokens());
    return object;
  }
}
