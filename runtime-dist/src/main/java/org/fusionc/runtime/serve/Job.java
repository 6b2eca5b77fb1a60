package org.fusionc.runtime.serve;

import java.util.List;
import org.fusionc.runtime.sampling.SamplingOptions;

/**
 * What a request asks for, checked.
 *
 * @param prompts token ids; of each prompt {@code n} texts are wanted
 * @param sampling with the seed of the first choice
 * @param stops strings that end a text and are not part of it
 * @param alternatives likeliest tokens to tell with each token; -1 for no log-probabilities at all
 * @param parseTools whether calls of tools are looked for in the text
 * @param includeUsage whether a stream ends with the usage
 */
record Job(
    Kind kind,
    List<List<Integer>> prompts,
    int n,
    SamplingOptions sampling,
    int maxTokens,
    List<String> stops,
    int alternatives,
    boolean parseTools,
    boolean stream,
    boolean includeUsage) {
  /** Which of the two endpoints. */
  enum Kind {
    CHAT("chatcmpl-", "chat.completion", "chat.completion.chunk"),
    TEXT("cmpl-", "text_completion", "text_completion");

    final String idPrefix;
    final String object;
    final String chunkObject;

    Kind(String idPrefix, String object, String chunkObject) {
      this.idPrefix = idPrefix;
      this.object = object;
      this.chunkObject = chunkObject;
    }
  }

  Job {
    prompts = List.copyOf(prompts);
    stops = List.copyOf(stops);
  }

  int choices() {
    return prompts.size() * n;
  }

  List<Integer> prompt(int choice) {
    return prompts.get(choice / n);
  }

  /** A choice's own sampling: of equal prompts each choice is another draw. */
  SamplingOptions sampling(int choice) {
    return sampling.withSeed(sampling.seed() + 0xD1B54A32D192ED03L * (choice % n));
  }
}
