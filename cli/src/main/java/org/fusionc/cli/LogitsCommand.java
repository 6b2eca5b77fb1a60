package org.fusionc.cli;

import java.util.List;
import java.util.Map;
import java.util.Objects;
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

/** {@code fusionc logits}. */
@Command(
    name = "logits",
    mixinStandardHelpOptions = true,
    description = "Prints the logits after the prompt's last token.")
final class LogitsCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();

  @ArgGroup(multiplicity = "1")
  private PromptOptions prompt = new PromptOptions();

  @Option(names = "--json", description = "print one JSON object: {\"logits\": […]}")
  private boolean json;

  @Override
  public Integer call() {
    try (var source = model.open()) {
      var ids = prompt.encode(source, source.tokenizer(), false);
      var settings = new Generation.Settings(ids, 0, SamplingOptions.greedy(), Set.of(), List.of());
      Generation.checkPrompt(source, settings);
      try (var running = engine.start(source, Generation.positions(source, settings))) {
        var output = Generation.run(running, java.util.Optional.empty(), settings, piece -> {});
        var logits = output.completion().logits();
        var out = Objects.requireNonNull(spec).commandLine().getOut();
        if (json) {
          out.println(Json.of(Map.of("logits", logits)));
        } else {
          for (int i = 0; i < logits.length; i++) {
            out.println(i + "\t" + logits[i]);
          }
        }
        out.flush();
      }
    }
    return 0;
  }
}
