package org.fusionc.backend.cpu.kernel;

/**
 * How the two halves of a gated feed-forward meet: {@code activation(gate) · up}.
 *
 * @param kind which activation
 * @param alpha of {@link Kind#CLAMPED_SWIGLU} only
 * @param limit of {@link Kind#CLAMPED_SWIGLU} only
 */
public record Gating(Kind kind, float alpha, float limit) {

  /** The activations. */
  public enum Kind {
    SILU,
    GELU,
    GELU_TANH,
    RELU,
    /**
     * {@code (clamp(up, ±limit) + 1) · g · sigmoid(alpha · g)} with {@code g = min(gate, limit)}.
     */
    CLAMPED_SWIGLU
  }

  /** A gating without parameters. */
  public static Gating of(Kind kind) {
    return new Gating(kind, 1.702f, 7f);
  }

  /** {@code y = activation(gate) · up} over a contiguous stretch. */
  void apply(long gate, long up, long y, int count) {
    switch (kind) {
      case SILU -> Elementwise.span(BinaryOp.SWIGLU, gate, up, y, count);
      case GELU -> Elementwise.span(BinaryOp.GEGLU, gate, up, y, count);
      case GELU_TANH -> Elementwise.span(BinaryOp.GEGLU_TANH, gate, up, y, count);
      case RELU -> Elementwise.span(BinaryOp.REGLU, gate, up, y, count);
      case CLAMPED_SWIGLU -> clamped(gate, up, y, count);
    }
  }

  private void clamped(long gate, long up, long y, int count) {
    int whole = count / Lanes.COUNT;
    BinaryLoops.clampedSwiglu(alpha, limit, gate, up, y, whole);
    int rest = count - whole * Lanes.COUNT;
    if (rest > 0) {
      long end = (long) whole * Lanes.BYTES;
      long padded = Elementwise.pad(gate + end, rest, 0);
      Elementwise.pad(up + end, rest, 1);
      BinaryLoops.clampedSwiglu(alpha, limit, padded, padded + Lanes.BYTES, padded, 1);
      Elementwise.copy(padded, y + end, rest);
    }
  }
}
