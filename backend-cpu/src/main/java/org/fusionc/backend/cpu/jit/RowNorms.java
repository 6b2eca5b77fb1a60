package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.jspecify.annotations.Nullable;

/** Root mean square normalisation of rows in machine code. */
public final class RowNorms {
  /** Elements per task. */
  private static final int TASK = 16 * 1024;

  private final MachineCode kernel;
  private final int width;
  private final boolean added;

  /**
   * For rows of one width.
   *
   * @param added whether there is a residual
   */
  public RowNorms(Target target, int width, double eps, boolean added) {
    this.width = width;
    this.added = added;
    kernel = Kernels.of(new RmsRows(target, width, (float) eps, added));
  }

  /**
   * {@code y = x / √(mean(x²) + eps) · weight}, row by row; y may be x's memory.
   *
   * @param x f32 [rows, width]
   * @param residual added to x first, f32 [rows, width]; null for none
   * @param sum where x + residual goes, f32 [rows, width]; null without a residual
   * @param weight f32 [width]
   * @param y f32 [rows, width]
   */
  public void rms(
      ComputePool pool,
      MemorySegment x,
      @Nullable MemorySegment residual,
      @Nullable MemorySegment sum,
      MemorySegment weight,
      MemorySegment y,
      int rows) {
    long size = (long) rows * width;
    Linears.check("x", x, size);
    Linears.check("weight", weight, width);
    Linears.check("y", y, size);
    if (added != (residual != null && sum != null)) {
      throw new IllegalArgumentException(
          "these norms are made for rows with a residual, or without");
    }
    if (residual != null && sum != null) {
      Linears.check("residual", residual, size);
      Linears.check("sum", sum, size);
    }
    if (size == 0) {
      return;
    }
    long other = residual == null ? 0 : residual.address();
    long sums = sum == null ? 0 : sum.address();
    pool.parallelFor(
        rows,
        Math.max(1, TASK / width),
        (from, to) -> {
          long at = from * width * Float.BYTES;
          RmsRows.run(
              kernel,
              x.address() + at,
              other + at,
              sums + at,
              weight.address(),
              y.address() + at,
              to - from);
        });
  }
}
