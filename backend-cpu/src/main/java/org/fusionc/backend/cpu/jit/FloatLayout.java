package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.kernel.FloatFormat;

/**
 * How floating-point weights are kept for a target, and activations to go with them.
 *
 * <p><b>Weights.</b> A block is as many output channels as a vector has 32-bit lanes. Along k go
 * vectors of one element per channel; with bf16, of two neighbours per channel, which share a lane.
 * K is rounded up to {@link #STEP}, with zeros.
 *
 * <p><b>Activations.</b> Rows of f32, or of bf16 where the target multiplies pairs of bf16, K
 * rounded up in the same way.
 */
record FloatLayout(FloatFormat format, Target target) implements Tiles.Shape {
  /** Elements along k that a kernel does at a time. */
  static final int STEP = 4;

  /** Whether products are those of bf16 pairs; else they are fused multiply-adds of f32. */
  boolean dotsHalves() {
    return format == FloatFormat.BF16 && target.dotsHalves();
  }

  static int padded(int k) {
    return Math.ceilDiv(k, STEP) * STEP;
  }

  /** Bytes of a block of weights: a multiple of a vector, but for f16. */
  long blockBytes(int k) {
    return (long) padded(k) * format.bytes() * target.lanes();
  }

  int blocks(int n) {
    return Math.ceilDiv(n, target.lanes());
  }

  /** Bytes of an activation. */
  int elementBytes() {
    return dotsHalves() ? 2 : 4;
  }

  @Override
  public int mostRows() {
    return target.isAvx512() ? 12 : 6;
  }

  @Override
  public int blocksFor(int rows) {
    return target.isAvx512() ? Math.min(4, 24 / rows) : rows == 1 ? 4 : 2;
  }
}
