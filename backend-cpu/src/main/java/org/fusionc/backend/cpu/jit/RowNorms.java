package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.kernel.Norms;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;

/**
 * Normalisation of rows in machine code.
 *
 * <p>The kernels' arguments: x, residual, sum, weight, y (rows of f32, but a single one of
 * weights), how many rows (at least 1), bias. Residual and sum are touched only where there is a
 * residual, the bias where there is one.
 */
public final class RowNorms {
  /** Elements per task. */
  private static final int TASK = 16 * 1024;

  private final MachineCode kernel;
  private final int width;
  private final boolean added;
  private final boolean biased;

  private RowNorms(Kernels.Description kernel, int width, boolean added, boolean biased) {
    this.kernel = Kernels.of(kernel);
    this.width = width;
    this.added = added;
    this.biased = biased;
  }

  /**
   * By the root mean square, as {@link Norms#rms}.
   *
   * @param added whether there is a residual
   */
  public static RowNorms rms(Target target, int width, double eps, boolean added) {
    return new RowNorms(new RmsRows(target, width, (float) eps, added), width, added, false);
  }

  /**
   * By mean and variance, as {@link Norms#layer}.
   *
   * @param added whether there is a residual
   * @param biased whether there is a bias
   */
  public static RowNorms layer(
      Target target, int width, double eps, boolean added, boolean biased) {
    var kernel = new LayerRows(target, width, (float) eps, added, biased);
    return new RowNorms(kernel, width, added, biased);
  }

  /**
   * Normalises row by row.
   *
   * @throws IllegalArgumentException if an operand is too small, or there are others than said
   */
  public void run(ComputePool pool, Norms.Operands operands, int rows) {
    long size = (long) rows * width;
    if (added != (operands.residual() != null && operands.sum() != null)
        || biased != (operands.bias() != null)) {
      throw new IllegalArgumentException("these norms are made for other operands");
    }
    long x = Operand.input("x", operands.x(), size);
    long residual = Operand.inputOrNone("residual", operands.residual(), size);
    long sum = operands.sum() == null ? 0 : Operand.output("sum", operands.sum(), size);
    long weight = Operand.input("weight", operands.weight(), width);
    long bias = Operand.inputOrNone("bias", operands.bias(), width);
    long y = Operand.output("y", operands.y(), size);
    if (size == 0) {
      return;
    }
    pool.parallelFor(
        rows,
        Math.max(1, TASK / width),
        (from, to) -> {
          long at = from * width * Float.BYTES;
          kernel.call(x + at, residual + at, sum + at, weight, y + at, to - from, bias, 0, 0);
        });
  }
}
