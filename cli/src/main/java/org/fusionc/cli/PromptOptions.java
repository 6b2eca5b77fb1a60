package org.fusionc.cli;

import java.util.List;
import java.util.Optional;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.runtime.model.Generation;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.text.ChatTemplate;
import org.fusionc.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A prompt, as text or as ids. */
final class PromptOptions {
  @Option(names = "--prompt", paramLabel = "TEXT", description = "the prompt as text")
  private @Nullable String text;

  @Option(
      names = "--prompt-ids",
      paramLabel = "1,2,3",
      split = ",",
      description = "the prompt as token ids; needs no tokenizer")
  private @Nullable List<Integer> ids;

  List<Integer> encode(ModelSource source, Optional<Tokenizer> tokenizer, boolean chat) {
    if (ids != null) {
      if (chat) {
        throw Diagnostic.usage(
                "--chat puts a text into the model's template, but --prompt-ids are ids already",
                "leave one of them out")
            .exception();
      }
      return ids;
    }
    var given = text == null ? "" : text;
    if (!chat) {
      return Generation.encode(tokenizer, source.name(), given, true);
    }
    var rendered =
        Generation.chatTemplate(source).render(List.of(ChatTemplate.Message.user(given)), true);
    return Generation.encode(tokenizer, source.name(), rendered, false);
  }
}
