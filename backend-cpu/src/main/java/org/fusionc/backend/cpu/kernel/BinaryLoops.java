package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * The loops of {@link Elementwise} over two operands: one method each, so that each is compiled for
 * itself.
 */
final class BinaryLoops {

  private BinaryLoops() {}

  /** {@code y = op(a, b)} over whole vectors; y may be either operand's memory. */
  static void run(BinaryOp op, long a, long b, long y, int vectors) {
    switch (op) {
      case ADD -> add(a, b, y, vectors);
      case SUBTRACT -> subtract(a, b, y, vectors);
      case MULTIPLY -> multiply(a, b, y, vectors);
      case DIVIDE -> divide(a, b, y, vectors);
      case MINIMUM -> minimum(a, b, y, vectors);
      case MAXIMUM -> maximum(a, b, y, vectors);
      case SWIGLU -> swiglu(a, b, y, vectors);
      case GEGLU -> geglu(a, b, y, vectors);
      case GEGLU_TANH -> gegluTanh(a, b, y, vectors);
      case REGLU -> reglu(a, b, y, vectors);
    }
  }

  private static void add(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(a.add(b), y + at);
    }
  }

  private static void subtract(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(a.sub(b), y + at);
    }
  }

  private static void multiply(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(a.mul(b), y + at);
    }
  }

  private static void divide(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(a.div(b), y + at);
    }
  }

  private static void minimum(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(a.min(b), y + at);
    }
  }

  private static void maximum(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(a.max(b), y + at);
    }
  }

  private static void swiglu(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(VectorMath.silu(a).mul(b), y + at);
    }
  }

  private static void geglu(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(VectorMath.gelu(a).mul(b), y + at);
    }
  }

  private static void gegluTanh(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(VectorMath.geluTanh(a).mul(b), y + at);
    }
  }

  private static void reglu(long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector a = Lanes.load(left + at);
      FloatVector b = Lanes.load(right + at);
      Lanes.store(a.max(0f).mul(b), y + at);
    }
  }

  /**
   * The gated unit of gpt-oss: {@code (clamp(b, ±limit) + 1) · g · sigmoid(alpha · g)} with {@code
   * g = min(a, limit)}.
   */
  static void clampedSwiglu(float alpha, float limit, long left, long right, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector g = Lanes.load(left + at).min(limit);
      FloatVector sigmoid = VectorMath.sigmoid(g.mul(alpha));
      FloatVector b = Lanes.load(right + at).min(limit).max(-limit);
      Lanes.store(b.add(1f).mul(g.mul(sigmoid)), y + at);
    }
  }
}
