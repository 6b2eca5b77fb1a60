package org.fusionc.frontend.safetensors.architecture;

import java.util.List;
import org.fusionc.frontend.safetensors.RopeParameters;
import org.fusionc.frontend.safetensors.RopeScaling;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;

/**
 * Rotary positions: which frequencies a layer has, and how heads are rotated by them.
 *
 * <p>LongRoPE has two sets of frequencies, for texts up to the context of training and beyond it.
 * Which one holds is decided at run time, by the last position of each sequence in the batch: keys
 * that are in the cache already keep the rotation that they had.
 */
final class Rotary {
  private final Emitter e;
  private final int context;

  Rotary(Emitter e) {
    this.e = e;
    this.context = e.features.count("context");
  }

  /** {@code x: [T, H, D]} rotated, or x itself in a layer without positions. */
  Value of(Value x, long headDim, int layer) {
    if (!e.features.flag("rope.used", layer)) {
      return x;
    }
    int dims = e.features.count("rope.dims", layer);
    if (dims % 2 != 0 || dims > headDim) {
      throw e.features.invalid(
          "rope.dims", layer, "must be an even number of at most a head's elements, " + headDim);
    }
    var parameters = parameters(layer);
    boolean interleaved = e.features.flag("rope.interleaved", layer);
    double scale = attentionFactor(parameters.scaling());
    var rotated = e.ops.rope(x, frequencies(parameters, dims, layer), e.at, interleaved, scale);
    if (!(parameters.scaling() instanceof RopeScaling.LongRope longRope)
        || context <= longRope.originalContext()) {
      return rotated;
    }
    var longer =
        e.ops.rope(x, longFrequencies(parameters, longRope, dims), e.at, interleaved, scale);
    return e.ops.where(isLong(longRope.originalContext()), longer, rotated);
  }

  /** What the softmax is scaled by besides: YaRN's magnitude, squared, in families that do. */
  double softmaxScale(int layer) {
    if (!e.features.flag("rope.softmax", layer)
        || !(parameters(layer).scaling() instanceof RopeScaling.Yarn yarn)
        || yarn.mscaleAllDim().isEmpty()
        || yarn.factor() <= 1) {
      return 1;
    }
    double magnitude = 0.1 * yarn.mscaleAllDim().getAsDouble() * Math.log(yarn.factor()) + 1;
    return magnitude * magnitude;
  }

  private RopeParameters parameters(int layer) {
    double theta = e.features.number("rope.theta", layer);
    return e.features.flag("rope.local", layer)
        ? e.features.config().localRope(theta)
        : e.features.config().rope(theta);
  }

  private static double attentionFactor(RopeScaling scaling) {
    return switch (scaling) {
      case RopeScaling.Yarn yarn -> yarn.attentionFactor();
      case RopeScaling.LongRope longRope -> longRope.attentionFactor();
      default -> 1;
    };
  }

  private Value frequencies(RopeParameters parameters, int dims, int layer) {
    double theta = parameters.theta();
    var value =
        switch (parameters.scaling()) {
          case RopeScaling.None none ->
              frequencies(theta, dims, "none", 1, 1, 4, 0, 32, 1, true, List.of());
          // Up to the context that the model was trained for, which is all that is allowed, these
          // are the unscaled ones.
          case RopeScaling.Dynamic dynamic ->
              frequencies(theta, dims, "none", 1, 1, 4, 0, 32, 1, true, List.of());
          case RopeScaling.Linear linear ->
              frequencies(theta, dims, "linear", linear.factor(), 1, 4, 0, 32, 1, true, List.of());
          case RopeScaling.Llama3 llama3 ->
              frequencies(
                  theta,
                  dims,
                  "llama3",
                  llama3.factor(),
                  llama3.lowFrequencyFactor(),
                  llama3.highFrequencyFactor(),
                  llama3.originalContext(),
                  32,
                  1,
                  true,
                  List.of());
          case RopeScaling.Yarn yarn ->
              frequencies(
                  theta,
                  dims,
                  "yarn",
                  yarn.factor(),
                  1,
                  4,
                  yarn.originalContext(),
                  yarn.betaFast(),
                  yarn.betaSlow(),
                  yarn.truncate(),
                  List.of());
          case RopeScaling.LongRope longRope ->
              divided(theta, dims, longRope.shortFactors(), "short_factor");
        };
    boolean local = e.features.flag("rope.local", layer);
    return e.ops.name(value, local ? "rope.local" : "rope");
  }

  private Value longFrequencies(RopeParameters parameters, RopeScaling.LongRope scaling, int dims) {
    return e.ops.name(
        divided(parameters.theta(), dims, scaling.longFactors(), "long_factor"), "rope.long");
  }

  private Value divided(double theta, int dims, List<Double> factors, String field) {
    if (factors.size() != dims / 2) {
      throw e.features
          .config()
          .invalid(
              "rope_scaling",
              "has a " + field + " of " + factors.size() + " numbers",
              "give one for each pair of rotated elements, " + dims / 2);
    }
    return frequencies(theta, dims, "longrope", 1, 1, 4, 0, 32, 1, true, factors);
  }

  private Value frequencies(
      double theta,
      int dims,
      String scaling,
      double factor,
      double low,
      double high,
      long original,
      double betaFast,
      double betaSlow,
      boolean truncate,
      List<Double> factors) {
    return e.ops.ropeFrequencies(
        theta,
        scaling,
        factor,
        low,
        high,
        original,
        betaFast,
        betaSlow,
        truncate,
        factors,
        Emitter.f32(Dim.of(dims / 2)));
  }

  /**
   * Per token, as {@code bool[T, 1, 1]}: whether its text, as far as this batch brings it, is
   * longer than {@code original} tokens.
   */
  private Value isLong(int original) {
    var row = Type.tensor(DType.Scalar.I32, Dim.of(1), Emitter.TOKENS);
    var column = Type.tensor(DType.Scalar.I32, Emitter.TOKENS, Dim.of(1));
    var sequences = e.ops.name(e.ops.sequences(e.at), "rope.sequences");
    var positions = e.asF32(e.ops.name(e.ops.positions(e.at), "positions"));
    var together = e.ops.equal(e.ops.reshape(sequences, column), e.ops.reshape(sequences, row));
    var others =
        e.ops.where(
            together,
            e.ops.reshape(positions, Emitter.f32(Dim.of(1), Emitter.TOKENS)),
            e.scalar(0));
    var last = e.ops.name(e.ops.reduceMax(others, List.of(1L), true), "rope.last");
    var beyond = e.ops.less(e.scalar(original - 1.0), last);
    return e.ops.name(
        e.ops.reshape(beyond, Type.tensor(DType.Scalar.BOOL, Emitter.TOKENS, Dim.of(1), Dim.of(1))),
        "rope.is_long");
  }
}
