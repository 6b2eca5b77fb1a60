package org.fusionc.runtime.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.runtime.text.ChatTemplate;
import org.fusionc.runtime.text.StopStrings;
import org.fusionc.runtime.text.TextStream;
import org.fusionc.runtime.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** One generation from a prompt to its text. */
public final class Generation {
  /**
   * What to generate.
   *
   * @param prompt token ids
   * @param maxTokens at most so many
   * @param stopIds ids that end the text
   * @param stops strings that end the text; they are not part of it
   */
  public record Settings(
      List<Integer> prompt,
      int maxTokens,
      SamplingOptions sampling,
      Set<Integer> stopIds,
      List<String> stops) {
    public Settings {
      prompt = List.copyOf(prompt);
      stopIds = Set.copyOf(stopIds);
      stops = List.copyOf(stops);
    }
  }

  /**
   * What came out.
   *
   * @param text empty without a tokenizer
   */
  public record Output(List<Integer> promptIds, String text, Completion completion) {
    public double timeToFirstTokenMillis() {
      return completion.firstTokenNanos() / 1e6;
    }

    public double prefillTokensPerSecond() {
      return promptIds.size() * 1e9 / Math.max(1, completion.firstTokenNanos());
    }

    /** Tokens after the first, per second; 0 if there are none. */
    public double decodeTokensPerSecond() {
      int tokens = completion.ids().size() - 1;
      return tokens < 1 ? 0 : tokens * 1e9 / Math.max(1, completion.decodeNanos());
    }
  }

  private Generation() {}

  /** The model's chat template, which must be there. */
  public static ChatTemplate chatTemplate(ModelSource source) {
    return source
        .chatTemplate()
        .orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named(source.name()),
                    "the model has no chat template",
                    "it was not made for chat; leave --chat away")
                .exception());
  }

  /** A number of tokens that makes sense. */
  public static int checkMaxTokens(int maxTokens) {
    if (maxTokens < 0) {
      throw Diagnostic.usage("--max-tokens is " + maxTokens, "give 0 or more").exception();
    }
    return maxTokens;
  }

  /** The number of token ids that the model knows: the last dimension of its logits. */
  public static int vocabulary(ModelSource source) {
    var functions = source.module().functions();
    var last = functions.getOrDefault("decode", functions.values().stream().toList().getLast());
    var logits = last.results().getFirst().tensorType();
    return Math.toIntExact(logits.dim(-1).value());
  }

  /**
   * Checks a prompt before anything expensive is done.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is empty, longer than the context,
   *     or has ids that the model does not know
   */
  public static void checkPrompt(ModelSource source, Settings settings) {
    int tokens = settings.prompt.size();
    if (tokens == 0) {
      throw Diagnostic.usage("the prompt has no tokens", "give --prompt TEXT or --prompt-ids 1,2,3")
          .exception();
    }
    if (tokens > source.context()) {
      throw Diagnostic.invalid(
              Location.named(source.name()),
              "the prompt has %d tokens, but the model's context has %d"
                  .formatted(tokens, source.context()),
              "shorten the prompt by %d tokens, or use a model with a longer context"
                  .formatted(tokens - source.context()))
          .exception();
    }
    int vocabulary = vocabulary(source);
    for (int id : settings.prompt) {
      if (id < 0 || id >= vocabulary) {
        throw Diagnostic.invalid(
                Location.named(source.name()),
                "the prompt has the token id %d, but the model knows 0 to %d"
                    .formatted(id, vocabulary - 1),
                "check that the ids are of this model's tokenizer")
            .exception();
      }
    }
  }

  /** Positions of KV cache that a generation can come to need. */
  public static int positions(ModelSource source, Settings settings) {
    long wanted = (long) settings.prompt.size() + settings.maxTokens;
    return (int) Math.min(wanted, source.context());
  }

  /** The ids of a prompt given as text; a model without a tokenizer takes ids only. */
  public static List<Integer> encode(
      Optional<Tokenizer> tokenizer, String source, String text, boolean addSpecialTokens) {
    var known =
        tokenizer.orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named(source),
                    "the model has no " + Tokenizer.FILE + ", so a prompt cannot be text",
                    "give token ids: --prompt-ids 1,2,3")
                .exception());
    return Arrays.stream(known.encode(text, addSpecialTokens)).boxed().toList();
  }

  /**
   * Generates, and waits for the end.
   *
   * @param text hears the text piece by piece
   */
  public static Output run(
      Engine engine, Optional<Tokenizer> tokenizer, Settings settings, Consumer<String> text) {
    @Nullable TextStream stream =
        tokenizer
            .map(t -> t.stream(true).after(settings.prompt.stream().mapToInt(i -> i).toArray()))
            .orElse(null);
    var stops = new StopStrings(settings.stops);
    var whole = new StringBuilder();
    Consumer<String> emit =
        piece -> {
          if (!piece.isEmpty()) {
            whole.append(piece);
            text.accept(piece);
          }
        };
    var request =
        new Request(settings.prompt, settings.sampling, settings.maxTokens, settings.stopIds);
    var session =
        engine.submit(
            request,
            id -> {
              if (stream != null) {
                emit.accept(stops.accept(stream.accept(id)));
              }
              return stops.found().isEmpty();
            });
    var completion = session.await();
    if (stream != null && stops.found().isEmpty()) {
      emit.accept(stops.accept(stream.finish()));
      emit.accept(stops.finish());
    }
    return new Output(settings.prompt, whole.toString(), completion);
  }
}
