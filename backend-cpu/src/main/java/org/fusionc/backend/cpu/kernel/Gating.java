package org.fusionc.backend.cpu.kernel;

/**
 * A {@link Gate} by the Vector API.
 *
 * @param kind which activation
 * @param alpha of {@link Kind#CLAMPED_SWIGLU} only
 * @param limit of {@link Kind#CLAMPED_SWIGLU} only
 */
public record Gating(Kind kind, float alpha, float limit) implements Gate {

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

  @Override
  public void run(long gate, long up, long y, long count) {
    int n = Math.toIntExact(count);
    switch (kind) {
      case SILU -> Elementwise.span(BinaryOp.SWIGLU, gate, up, y, n);
      case GELU -> Elementwise.span(BinaryOp.GEGLU, gate, up, y, n);
      case GELU_TANH -> Elementwise.span(BinaryOp.GEGLU_TANH, gate, up, y, n);
      case RELU -> Elementwise.span(BinaryOp.REGLU, gate, up, y, n);
      case CLAMPED_SWIGLU -> clamped(gate, up, y, n);
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
