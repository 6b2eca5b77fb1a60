package org.fusionc.runtime.sampling;

import java.util.Map;
import org.fusionc.ir.diagnostic.Diagnostic;

/**
 * How the next token is chosen from the logits.
 *
 * @param temperature divides the logits; 0 takes the largest logit (greedy), whatever the rest says
 * @param topK only this many largest logits can be chosen; 0 for all
 * @param topP only the most probable tokens that together reach this probability can be chosen; in
 *     (0, 1], 1 for all
 * @param minP only tokens at least this fraction as probable as the most probable one can be
 *     chosen; in [0, 1], 0 for all
 * @param repetitionPenalty divides positive logits of tokens that occurred before, and multiplies
 *     negative ones; 1 for no penalty
 * @param frequencyPenalty taken from a token's logit for each time it was generated; 0 for none
 * @param presencePenalty taken from a token's logit if it was generated; 0 for none
 * @param logitBias by token id, what to add to its logit; ids that the model lacks are passed over
 * @param seed equal seeds give equal choices for equal logits and history
 */
public record SamplingOptions(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    float frequencyPenalty,
    float presencePenalty,
    Map<Integer, Float> logitBias,
    long seed) {

  private static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, 0, 1, 0);

  public SamplingOptions {
    if (!(temperature >= 0) || Float.isInfinite(temperature)) {
      throw wrong("temperature", temperature, "a number from 0 (greedy) upwards");
    }
    if (topK < 0) {
      throw wrong("top-k", topK, "a count of tokens, or 0 for all");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw wrong("top-p", topP, "a probability above 0 and up to 1");
    }
    if (!(minP >= 0 && minP <= 1)) {
      throw wrong("min-p", minP, "a fraction from 0 to 1");
    }
    if (!(repetitionPenalty > 0) || Float.isInfinite(repetitionPenalty)) {
      throw wrong("repetition penalty", repetitionPenalty, "a number above 0, 1 for no penalty");
    }
    if (!Float.isFinite(frequencyPenalty)) {
      throw wrong("frequency penalty", frequencyPenalty, "a number, 0 for no penalty");
    }
    if (!Float.isFinite(presencePenalty)) {
      throw wrong("presence penalty", presencePenalty, "a number, 0 for no penalty");
    }
    logitBias = Map.copyOf(logitBias);
    for (var bias : logitBias.values()) {
      if (!Float.isFinite(bias)) {
        throw wrong("logit bias", bias, "a number");
      }
    }
  }

  /** Without penalties that count, and without bias. */
  public SamplingOptions(
      float temperature, int topK, float topP, float minP, float repetitionPenalty, long seed) {
    this(temperature, topK, topP, minP, repetitionPenalty, 0, 0, Map.of(), seed);
  }

  /** The most probable token always. */
  public static SamplingOptions greedy() {
    return GREEDY;
  }

  public boolean isGreedy() {
    return temperature == 0;
  }

  /** Whether something is added to logits before the choice. */
  boolean shifts() {
    return frequencyPenalty != 0 || presencePenalty != 0 || !logitBias.isEmpty();
  }

  /**
   * How many of the largest logits, with those that equal the last of them, give the same choice as
   * all; 0 if none but all do.
   */
  public int enough() {
    if (repetitionPenalty != 1 || shifts()) {
      return 0;
    }
    return isGreedy() ? 1 : topK;
  }

  public SamplingOptions withTemperature(float value) {
    return new SamplingOptions(
        value,
        topK,
        topP,
        minP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        seed);
  }

  public SamplingOptions withTopK(int value) {
    return new SamplingOptions(
        temperature,
        value,
        topP,
        minP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        seed);
  }

  public SamplingOptions withTopP(float value) {
    return new SamplingOptions(
        temperature,
        topK,
        value,
        minP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        seed);
  }

  public SamplingOptions withMinP(float value) {
    return new SamplingOptions(
        temperature,
        topK,
        topP,
        value,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        seed);
  }

  public SamplingOptions withRepetitionPenalty(float value) {
    return new SamplingOptions(
        temperature, topK, topP, minP, value, frequencyPenalty, presencePenalty, logitBias, seed);
  }

  public SamplingOptions withFrequencyPenalty(float value) {
    return new SamplingOptions(
        temperature, topK, topP, minP, repetitionPenalty, value, presencePenalty, logitBias, seed);
  }

  public SamplingOptions withPresencePenalty(float value) {
    return new SamplingOptions(
        temperature, topK, topP, minP, repetitionPenalty, frequencyPenalty, value, logitBias, seed);
  }

  public SamplingOptions withLogitBias(Map<Integer, Float> value) {
    return new SamplingOptions(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        value,
        seed);
  }

  public SamplingOptions withSeed(long value) {
    return new SamplingOptions(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        frequencyPenalty,
        presencePenalty,
        logitBias,
        value);
  }

  private static RuntimeException wrong(String name, Number value, String expected) {
    return Diagnostic.usage("the " + name + " is " + value, "give " + expected).exception();
  }
}
