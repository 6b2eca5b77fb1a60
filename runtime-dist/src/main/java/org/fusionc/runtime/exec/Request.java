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
 */
public record Request(
    List<Integer> prompt, SamplingOptions sampling, int maxTokens, Set<Integer> stopIds) {
  public Request {
    prompt = List.copyOf(prompt);
    stopIds = Set.copyOf(stopIds);
  }
}
