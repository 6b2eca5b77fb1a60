package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.Gate;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.ir.op.Activation;

/** Gated linear units in machine code. */
public final class GatedUnits implements Gate {
  /** Elements per task. */
  private static final int TASK = 16 * 1024;

  private final ActivationRow row;
  private final MachineCode kernel;

  public GatedUnits(Target target, Activation function) {
    row = new ActivationRow(target, function, true);
    kernel = Kernels.of(row);
  }

  /**
   * {@code y[i] = f(gate[i]) · up[i]}; y may be one of them.
   *
   * @param gate f32 [count]
   * @param up f32 [count]
   * @param y f32 [count]
   */
  public void run(
      ComputePool pool, MemorySegment gate, MemorySegment up, MemorySegment y, long count) {
    long gates = Operand.input("gate", gate, count);
    long ups = Operand.input("up", up, count);
    long out = Operand.output("y", y, count);
    pool.parallelFor(
        count,
        TASK,
        (from, to) -> {
          long at = from * Float.BYTES;
          run(gates + at, ups + at, out + at, to - from);
        });
  }

  @Override
  public void run(long gate, long up, long y, long count) {
    row.run(kernel, gate, up, y, count);
  }

  /**
   * {@code y[i, j] = f(x[i, j]) · x[i, half + j]}.
   *
   * @param x f32 [rows, 2 · half]
   * @param y f32 [rows, half]
   */
  public void packed(ComputePool pool, MemorySegment x, MemorySegment y, long rows, int half) {
    long in = Operand.input("x", x, Math.multiplyExact(rows, 2L * half));
    long out = Operand.output("y", y, Math.multiplyExact(rows, half));
    if (half == 0) {
      return;
    }
    long parts = Math.ceilDiv(half, TASK);
    long bytes = (long) half * Float.BYTES;
    pool.parallelFor(
        rows * parts,
        Math.max(1, TASK / half),
        (from, to) -> {
          for (long task = from; task < to; task++) {
            long index = task / parts;
            long first = task % parts * TASK;
            long at = first * Float.BYTES;
            long gate = in + index * 2 * bytes + at;
            long count = Math.min(TASK, half - first);
            run(gate, gate + bytes, out + index * bytes + at, count);
          }
        });
  }
}
