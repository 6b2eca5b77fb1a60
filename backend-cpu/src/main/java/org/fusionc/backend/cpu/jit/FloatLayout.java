package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.kernel.FloatFormat;

/**
 * Floating-point weights.
 *
 * <p><b>Weights.</b> A step is {@link #STEP} elements along k: for each, the panel's channels; with
 * bf16, for each pair, which shares a channel's 32 bits. K is rounded up to whole steps, with
 * zeros.
 *
 * <p><b>Activations.</b> Rows of f32, or of bf16 where the target multiplies pairs of bf16, K
 * rounded up in the same way; those of bf16 lie apart by multiples of {@link #ROUNDED}, and by a
 * line more where they would share sets of a cache.
 */
record FloatLayout(FloatFormat format, Target target) implements PanelLayout {
  /** Elements along k that a kernel does at a time. */
  static final int STEP = 4;

  /** Elements that are rounded to bf16 at a time. */
  static final int ROUNDED = 16;

  /**
   * Rows so far apart, or a multiple of it, would share few sets of the first-level cache, and a
   * tile's rows would throw each other out.
   */
  private static final int SET_STRIDE = 1024;

  /** Whether products are those of bf16 pairs; else they are fused multiply-adds of f32. */
  boolean dotsHalves() {
    return format == FloatFormat.BF16 && target.dotsHalves();
  }

  static int padded(int k) {
    return Math.ceilDiv(k, STEP) * STEP;
  }

  @Override
  public int steps(int k) {
    return Math.ceilDiv(k, STEP);
  }

  @Override
  public int stepBytes() {
    return STEP * format.bytes() * channels();
  }

  @Override
  public int offset(int block) {
    int perLane = format == FloatFormat.F16 ? Short.BYTES : Float.BYTES;
    return block * target.lanes() * perLane;
  }

  @Override
  public int rowStepBytes() {
    return STEP * (dotsHalves() ? Short.BYTES : Float.BYTES);
  }

  @Override
  public long rowBytes(int k) {
    if (!dotsHalves()) {
      return (long) padded(k) * Float.BYTES;
    }
    long bytes = Math.ceilDiv(k, ROUNDED) * (long) ROUNDED * Short.BYTES;
    return bytes % SET_STRIDE == 0 ? bytes + TileCode.LINE : bytes;
  }

  @Override
  public int mostRows() {
    return target.isAvx512() ? 12 : 6;
  }

  @Override
  public int blocksFor(int rows) {
    return rows <= (target.isAvx512() ? 6 : 2) ? 4 : 2;
  }

  @Override
  public Kernels.Description kernel(int rows, TileCode.Along along, TileCode.Ahead ahead) {
    return new FloatTile(this, rows, along, ahead);
  }
}
