package org.fusionc.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.fusionc.runtime.model.Generation;
import org.fusionc.runtime.sampling.SamplingOptions;
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
      var out = java.util.Objects.requireNonNull(spec).commandLine().getOut();
      try (var running = engine.start(source, Generation.positions(source, settings))) {
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
          out.println(Json.of(object(output)));
        } else {
          out.println(tokenizer.isEmpty() ? output.completion().ids() : "");
        }
        out.flush();
      }
    }
    return 0;
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

  private static Object object(Generation.Output output) {
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
}
