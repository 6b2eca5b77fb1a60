package org.fusionc.backend.cpu.jit;

import org.fusionc.ir.DType;

/**
 * How weights of a quantised type are kept for a target, and activations to go with them.
 *
 * <p><b>Weights.</b> A block is as many output channels as a vector has 32-bit lanes, so that each
 * lane gathers one channel's sum. Along k go vectors of bytes, four to a lane: elements {@code 4i …
 * 4i+3}; with 4 bits, of two such vectors, the second in the upper nibbles. Then follow, for each
 * group, a vector of f16 scales and, of asymmetric types, one of f16 minima. A stored integer is
 * the type's plus {@link #zero}.
 *
 * <p><b>Activations.</b> A row is, for each group: {@code -zero · Σq} (i32), with which the sum of
 * products begins; the scale (f32); of asymmetric types {@code scale · Σq} (f32); the integers.
 *
 * @param type what the weights are
 */
record IntegerFormat(DType.Quantized type, Target target) implements Tiles.Shape {

  int group() {
    return type.group();
  }

  int groups(int k) {
    return Math.ceilDiv(k, group());
  }

  /**
   * What is added to an integer to store it. The byte dot product wants it unsigned; without one,
   * its replacement wants bytes signed, for products of unsigned bytes would overflow it.
   */
  int zero() {
    if (type.width() == 4) {
      return type.asymmetric() ? 0 : 8;
    }
    int signed = type.asymmetric() ? -128 : 0;
    return target.dotsBytes() ? signed + 128 : signed;
  }

  /** Bytes of a group's integers in a block of weights. */
  int groupBytes() {
    return group() * type.width() / 8 * target.lanes();
  }

  /** Bytes of a group's scales, and minima, in a block of weights. */
  int scaleBytes() {
    return (type.asymmetric() ? 2 : 1) * 2 * target.lanes();
  }

  /** Elements along k in one vector of weights. */
  int perVector() {
    return type.width() == 4 ? 8 : 4;
  }

  /** Bytes of a block of weights: a multiple of a vector. */
  long blockBytes(int k) {
    long bytes = (long) groups(k) * (groupBytes() + scaleBytes());
    return Math.ceilDiv(bytes, 64) * 64;
  }

  int blocks(int n) {
    return Math.ceilDiv(n, target.lanes());
  }

  /** Bytes before the integers of a group of activations. */
  int headBytes() {
    return type.asymmetric() ? 12 : 8;
  }

  /** Bytes of a group of activations. */
  int rowGroupBytes() {
    return headBytes() + group();
  }

  /** Bytes of a row of activations. */
  long rowBytes(int k) {
    return (long) groups(k) * rowGroupBytes();
  }

  @Override
  public int mostRows() {
    return target.isAvx512() ? 6 : target.dotsBytes() ? 3 : 2;
  }

  @Override
  public int blocksFor(int rows) {
    if (!target.isAvx512()) {
      return rows == 1 && target.dotsBytes() ? 3 : 2;
    }
    return rows <= 2 ? 4 : rows == 3 ? 3 : 2;
  }
}
