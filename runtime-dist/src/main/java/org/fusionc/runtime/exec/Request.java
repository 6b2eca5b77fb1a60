package org.fusionc.runtime.exec;

import java.util.List;
import java.util.Set;
import org.fusionc.runtime.sampling.SamplingOptions;

/**
 * What a session shall do.
 *
 * @param prompt token ids, at least one
 * @param sampling how tokens are chosen
 * @param maxTokens how many to generate at most; 0 gives the prompt's last logits only
 * @param stopIds ids that end the text; they are not part of it
 * @param alternatives how many of the most probable tokens the listener wants to hear of with each
 *     token, besides that token's own log-probability; -1 for neither
 */
public record Request(
    List<Integer> prompt,
    SamplingOptions sampling,
    int maxTokens,
    Set<Integer> stopIds,
    int alternatives) {
  /** Without log-probabilities. */
  public Request(
      List<Integer> prompt, SamplingOptions sampling, int maxTokens, Set<Integer> stopIds) {
    this(prompt, sampling, maxTokens, stopIds, -1);
  }

  public Request {
    prompt = List.copyOf(prompt);
    stopIds = Set.copyOf(stopIds);
  }
}
