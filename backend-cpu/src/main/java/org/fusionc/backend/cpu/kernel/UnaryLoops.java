package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * The loops of {@link Elementwise} over one operand: one method each, so that each is compiled for
 * itself.
 */
final class UnaryLoops {

  private UnaryLoops() {}

  /** {@code y = op(x)} over whole vectors; the two may be the same memory. */
  static void run(UnaryOp op, long x, long y, int vectors) {
    switch (op) {
      case SILU -> silu(x, y, vectors);
      case GELU -> gelu(x, y, vectors);
      case GELU_TANH -> geluTanh(x, y, vectors);
      case RELU -> relu(x, y, vectors);
      case TANH -> tanh(x, y, vectors);
      case SIGMOID -> sigmoid(x, y, vectors);
      case EXP -> exp(x, y, vectors);
      case ERF -> erf(x, y, vectors);
      case SQRT -> sqrt(x, y, vectors);
      case NEGATE -> negate(x, y, vectors);
      case ABS -> abs(x, y, vectors);
    }
  }

  private static void silu(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(VectorMath.silu(v), y + at);
    }
  }

  private static void gelu(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(VectorMath.gelu(v), y + at);
    }
  }

  private static void geluTanh(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(VectorMath.geluTanh(v), y + at);
    }
  }

  private static void relu(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(v.max(0f), y + at);
    }
  }

  private static void tanh(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(VectorMath.tanh(v), y + at);
    }
  }

  private static void sigmoid(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(VectorMath.sigmoid(v), y + at);
    }
  }

  private static void exp(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(VectorMath.exp(v), y + at);
    }
  }

  private static void erf(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(VectorMath.erf(v), y + at);
    }
  }

  private static void sqrt(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(v.sqrt(), y + at);
    }
  }

  private static void negate(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(v.neg(), y + at);
    }
  }

  private static void abs(long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at);
      Lanes.store(v.abs(), y + at);
    }
  }

  /** {@code y = cap · tanh(x / cap)}. */
  static void softcap(float cap, long x, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector v = Lanes.load(x + at).div(cap);
      Lanes.store(VectorMath.tanh(v).mul(cap), y + at);
    }
  }
}
