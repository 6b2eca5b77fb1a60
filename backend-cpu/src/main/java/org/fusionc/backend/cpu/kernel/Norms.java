package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/**
 * Normalisations of rows. Sums run over vector lanes in ascending order and are then halved, so a
 * row's result depends on the row alone.
 */
public final class Norms {
  private static final int GRAIN = 4;

  private Norms() {}

  /**
   * {@code y = x / sqrt(mean(x²) + eps) · weight}, row by row.
   *
   * @param x f32 [rows, width]
   * @param residual added to x first, f32 [rows, width]; null for none
   * @param sum where x + residual goes, f32 [rows, width]; null without a residual
   * @param weight f32 [width]
   * @param y f32 [rows, width]
   */
  public static void rms(
      ComputePool pool,
      MemorySegment x,
      @Nullable MemorySegment residual,
      @Nullable MemorySegment sum,
      MemorySegment weight,
      MemorySegment y,
      int rows,
      int width,
      double eps) {
    long size = (long) rows * width;
    long from = Operand.input("x", x, size);
    long other = residual == null ? 0 : Operand.input("residual", residual, size);
    long sums = sum == null ? from : Operand.output("sum", sum, size);
    long scale = Operand.input("weight", weight, width);
    long to = Operand.output("y", y, size);
    pool.parallelFor(
        rows,
        GRAIN,
        (first, end) -> {
          for (long r = first; r < end; r++) {
            long at = 4L * r * width;
            if (other != 0) {
              add(from + at, other + at, sums + at, width);
            }
            float squares = dot(sums + at, sums + at, width);
            float factor = (float) (1 / Math.sqrt(squares / (double) width + eps));
            scaled(sums + at, 0f, factor, scale, 0, to + at, width);
          }
        });
  }

  /**
   * {@code y = (x - mean) / sqrt(var + eps) · weight + bias}, row by row; see {@link #rms} for the
   * operands.
   */
  public static void layer(
      ComputePool pool,
      MemorySegment x,
      @Nullable MemorySegment residual,
      @Nullable MemorySegment sum,
      MemorySegment weight,
      @Nullable MemorySegment bias,
      MemorySegment y,
      int rows,
      int width,
      double eps) {
    long size = (long) rows * width;
    long from = Operand.input("x", x, size);
    long other = residual == null ? 0 : Operand.input("residual", residual, size);
    long sums = sum == null ? from : Operand.output("sum", sum, size);
    long scale = Operand.input("weight", weight, width);
    long shift = bias == null ? 0 : Operand.input("bias", bias, width);
    long to = Operand.output("y", y, size);
    pool.parallelFor(
        rows,
        GRAIN,
        (first, end) -> {
          for (long r = first; r < end; r++) {
            long at = 4L * r * width;
            if (other != 0) {
              add(from + at, other + at, sums + at, width);
            }
            float mean = total(sums + at, width) / width;
            float squares = squaresAbout(mean, sums + at, width);
            float factor = (float) (1 / Math.sqrt(squares / (double) width + eps));
            scaled(sums + at, mean, factor, scale, shift, to + at, width);
          }
        });
  }

  private static void add(long x, long y, long z, int n) {
    int i = 0;
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      Lanes.store(Lanes.load(x + 4L * i).add(Lanes.load(y + 4L * i)), z + 4L * i);
    }
    for (; i < n; i++) {
      Lanes.set(z + 4L * i, Lanes.get(x + 4L * i) + Lanes.get(y + 4L * i));
    }
  }

  private static float dot(long x, long y, int n) {
    FloatVector sum = Lanes.zero();
    int i = 0;
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      sum = Lanes.load(x + 4L * i).fma(Lanes.load(y + 4L * i), sum);
    }
    float total = Lanes.sum(sum);
    for (; i < n; i++) {
      total = Math.fma(Lanes.get(x + 4L * i), Lanes.get(y + 4L * i), total);
    }
    return total;
  }

  private static float total(long x, int n) {
    FloatVector sum = Lanes.zero();
    int i = 0;
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      sum = sum.add(Lanes.load(x + 4L * i));
    }
    float total = Lanes.sum(sum);
    for (; i < n; i++) {
      total += Lanes.get(x + 4L * i);
    }
    return total;
  }

  private static float squaresAbout(float mean, long x, int n) {
    FloatVector sum = Lanes.zero();
    int i = 0;
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      FloatVector centred = Lanes.load(x + 4L * i).sub(mean);
      sum = centred.fma(centred, sum);
    }
    float total = Lanes.sum(sum);
    for (; i < n; i++) {
      float centred = Lanes.get(x + 4L * i) - mean;
      total = Math.fma(centred, centred, total);
    }
    return total;
  }

  /** y = (x - mean) · factor · weight (+ bias). */
  private static void scaled(
      long x, float mean, float factor, long weight, long bias, long y, int n) {
    int i = 0;
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      FloatVector value =
          Lanes.load(x + 4L * i).sub(mean).mul(factor).mul(Lanes.load(weight + 4L * i));
      Lanes.store(bias == 0 ? value : value.add(Lanes.load(bias + 4L * i)), y + 4L * i);
    }
    for (; i < n; i++) {
      float value = (Lanes.get(x + 4L * i) - mean) * factor * Lanes.get(weight + 4L * i);
      Lanes.set(y + 4L * i, bias == 0 ? value : value + Lanes.get(bias + 4L * i));
    }
  }
}
