package org.fusionc.frontend.safetensors;

import java.util.List;
import java.util.OptionalDouble;

/** How rotary frequencies are stretched so that a model reads further than it was trained to. */
public sealed interface RopeScaling {

  /** Not at all. */
  record None() implements RopeScaling {}

  /** Every frequency divided by {@code factor}. */
  record Linear(double factor) implements RopeScaling {}

  /**
   * The base grows with the length of the text once that exceeds {@code originalContext} tokens; up
   * to there it is the same as {@link None}.
   */
  record Dynamic(double factor, int originalContext) implements RopeScaling {}

  /**
   * Llama 3.1's: wavelengths above {@code originalContext / lowFrequencyFactor} are stretched by
   * {@code factor}, those below {@code originalContext / highFrequencyFactor} are kept, those
   * between are interpolated.
   */
  record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext)
      implements RopeScaling {}

  /**
   * YaRN (arXiv:2309.00071).
   *
   * @param attentionFactor what cosines and sines are multiplied with, defaults resolved
   * @param betaFast rotations over {@code originalContext} above which a dimension is kept
   * @param betaSlow rotations below which it is stretched by {@code factor}
   * @param truncate whether the bounds between them are rounded to whole dimensions
   * @param mscaleAllDim DeepSeek's field, which also scales its attention's softmax; empty if
   *     absent
   */
  record Yarn(
      double factor,
      int originalContext,
      double attentionFactor,
      double betaFast,
      double betaSlow,
      boolean truncate,
      OptionalDouble mscaleAllDim)
      implements RopeScaling {}

  /**
   * LongRoPE (arXiv:2402.13753): a divisor of its own for each frequency, {@code shortFactors} for
   * texts of up to {@code originalContext} tokens, {@code longFactors} beyond.
   *
   * @param attentionFactor what cosines and sines are multiplied with, defaults resolved
   */
  record LongRope(
      List<Double> shortFactors,
      List<Double> longFactors,
      int originalContext,
      double attentionFactor)
      implements RopeScaling {}
}
