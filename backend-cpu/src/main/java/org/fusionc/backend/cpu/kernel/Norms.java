package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/** Normalisations over the last axis of [rows, width], f32. */
public final class Norms {

  private static final int TASK = 8 * 1024;

  private Norms() {}

  /**
   * What is normalised.
   *
   * @param x f32 [rows, width]
   * @param residual added to x first, f32 [rows, width]; null for none
   * @param sum where x + residual goes, f32 [rows, width]; null without a residual
   * @param weight f32 [width]
   * @param bias f32 [width]; null for none
   * @param y f32 [rows, width]; may be x's memory
   */
  public record Operands(
      MemorySegment x,
      @Nullable MemorySegment residual,
      @Nullable MemorySegment sum,
      MemorySegment weight,
      @Nullable MemorySegment bias,
      MemorySegment y) {}

  /** {@code y = x / √(mean(x²) + eps) · weight}, row by row; there is no bias. */
  public static void rms(ComputePool pool, Operands operands, int rows, int width, double eps) {
    run(pool, operands, rows, width, (x, weight, _, y) -> rmsRow(x, weight, y, width, eps));
  }

  /** {@code y = (x - mean) / √(variance + eps) · weight + bias}, row by row. */
  public static void layer(ComputePool pool, Operands operands, int rows, int width, double eps) {
    run(
        pool,
        operands,
        rows,
        width,
        (x, weight, bias, y) -> layerRow(x, weight, bias, y, width, eps));
  }

  /** Normalises a row, by addresses; those of operands that are absent are 0. */
  private interface Row {
    void run(long x, long weight, long bias, long y);
  }

  private static void run(ComputePool pool, Operands operands, int rows, int width, Row kernel) {
    long size = (long) rows * width;
    var sum = operands.sum;
    long from = Operand.input("x", operands.x, size);
    long other = Operand.inputOrNone("residual", operands.residual, size);
    long sums = sum == null ? from : Operand.output("sum", sum, size);
    long scale = Operand.input("weight", operands.weight, width);
    long shift = Operand.inputOrNone("bias", operands.bias, width);
    long to = Operand.output("y", operands.y, size);
    pool.parallelFor(
        rows,
        grain(width),
        (first, last) -> {
          for (long row = first; row < last; row++) {
            long at = row * width * Float.BYTES;
            if (other != 0) {
              addRow(from + at, other + at, sums + at, width);
            }
            kernel.run(sums + at, scale, shift, to + at);
          }
        });
  }

  private static long grain(int d) {
    return Math.max(1, TASK / Math.max(1, d));
  }

  private static void rmsRow(long x, long weight, long y, int d, double eps) {
    float scale = (float) (1 / Math.sqrt(RowSums.sumOfSquares(x, d) / d + eps));
    int vectors = d / Lanes.COUNT;
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      Lanes.store(Lanes.load(x + at).mul(scale).mul(Lanes.load(weight + at)), y + at);
    }
    for (int i = vectors * Lanes.COUNT; i < d; i++) {
      long at = (long) i * Float.BYTES;
      Lanes.set(y + at, Lanes.get(x + at) * scale * Lanes.get(weight + at));
    }
  }

  private static void layerRow(long x, long weight, long bias, long y, int d, double eps) {
    // Around a first mean the rest is small, so what rounding loses there does not matter.
    float center = (float) (RowSums.sum(x, d) / d);
    double rest = RowSums.distance(x, center, d) / d;
    double variance = RowSums.squaredDistance(x, center, d) / d - rest * rest;
    float scale = (float) (1 / Math.sqrt(variance + eps));
    float shift = (float) rest;
    if (bias == 0) {
      scaleRow(x, center, shift, scale, weight, y, d);
    } else {
      scaleRow(x, center, shift, scale, weight, bias, y, d);
    }
  }

  private static void scaleRow(
      long x, float center, float shift, float scale, long weight, long y, int d) {
    int vectors = d / Lanes.COUNT;
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      Lanes.store(
          Lanes.load(x + at).sub(center).sub(shift).mul(scale).mul(Lanes.load(weight + at)),
          y + at);
    }
    for (int i = vectors * Lanes.COUNT; i < d; i++) {
      long at = (long) i * Float.BYTES;
      Lanes.set(y + at, (Lanes.get(x + at) - center - shift) * scale * Lanes.get(weight + at));
    }
  }

  private static void scaleRow(
      long x, float center, float shift, float scale, long weight, long bias, long y, int d) {
    int vectors = d / Lanes.COUNT;
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      FloatVector scaled =
          Lanes.load(x + at).sub(center).sub(shift).mul(scale).mul(Lanes.load(weight + at));
      Lanes.store(scaled.add(Lanes.load(bias + at)), y + at);
    }
    for (int i = vectors * Lanes.COUNT; i < d; i++) {
      long at = (long) i * Float.BYTES;
      float scaled = (Lanes.get(x + at) - center - shift) * scale * Lanes.get(weight + at);
      Lanes.set(y + at, scaled + Lanes.get(bias + at));
    }
  }

  private static void addRow(long a, long b, long y, int d) {
    int vectors = d / Lanes.COUNT;
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      Lanes.store(Lanes.load(a + at).add(Lanes.load(b + at)), y + at);
    }
    for (int i = vectors * Lanes.COUNT; i < d; i++) {
      long at = (long) i * Float.BYTES;
      Lanes.set(y + at, Lanes.get(a + at) + Lanes.get(b + at));
    }
  }
}
