package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = x · wᵀ (+ bias)}: the linear layer of a model.
 *
 * <p>The order of accumulation is fixed: lane {@code l} of a vector of {@code L} lanes adds up,
 * with fused multiply-adds in ascending order, the products whose index along {@code k} is {@code
 * l} modulo {@code L}; then the lanes are added in halves, then the bias. One row is done by {@link
 * Gemv} straight from the weights, several by {@link Gemm} in tiles, both in this order.
 */
public final class Linear {

  /** Weight bytes that one task of a one-row product reads: long streams, yet enough tasks. */
  private static final long TASK_BYTES = 128 * 1024;

  private Linear() {}

  /**
   * {@code y[i, j] = Σ_k x[i, k] · w[j, k] (+ bias[j])}.
   *
   * @param x f32 [m, k]
   * @param w [n, k] in {@code format}
   * @param bias f32 [n], or null
   * @param y f32 [m, n], must not overlap the inputs
   * @throws IllegalArgumentException if a segment is too small
   */
  public static void run(
      ComputePool pool,
      MemorySegment x,
      MemorySegment w,
      FloatFormat format,
      @Nullable MemorySegment bias,
      MemorySegment y,
      int m,
      int n,
      int k) {
    Operand.dimension("m", m);
    Operand.dimension("k", k);
    var _ = Operand.input("x", x, (long) m * k);
    run(pool, x, WeightMatrix.of(w, format, n, k), bias, y, m, n, k);
  }

  /** The same with weights in any format. */
  public static void run(
      ComputePool pool,
      MemorySegment x,
      WeightMatrix w,
      @Nullable MemorySegment bias,
      MemorySegment y,
      int m,
      int n,
      int k) {
    Operand.dimension("m", m);
    Operand.dimension("n", n);
    Operand.dimension("k", k);
    long xAddress = Operand.input("x", x, (long) m * k);
    long biasAddress = Operand.inputOrNone("bias", bias, n);
    long yAddress = Operand.output("y", y, (long) m * n);
    run(pool, xAddress, w, biasAddress, yAddress, m, n, k);
  }

  /** The same by addresses, unchecked; {@code bias} is 0 if there is none. */
  static void run(
      ComputePool pool, long x, WeightMatrix w, long bias, long y, int m, int n, int k) {
    if (m == 0 || n == 0) {
      return;
    }
    if (m == 1) {
      long rows = Math.max(1, TASK_BYTES / Math.max(1, w.rowBytes()));
      long grain = (rows + Gemv.ROWS - 1) / Gemv.ROWS * Gemv.ROWS;
      pool.parallelFor(n, grain, (from, to) -> w.product(x, bias, y, (int) from, (int) to));
      return;
    }
    var gemm = new Gemm(x, w, bias, y, m, n, k, pool.threads());
    pool.parallelFor(gemm.tasks(), 1, gemm);
  }
}
