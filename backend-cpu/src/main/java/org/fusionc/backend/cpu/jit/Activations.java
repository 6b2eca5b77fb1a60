package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.ir.op.Activation;

/** A function of each element, in machine code. */
public final class Activations {
  /** Elements per task. */
  private static final int TASK = 16 * 1024;

  private final ActivationRow row;
  private final MachineCode kernel;

  public Activations(Target target, Activation function) {
    row = new ActivationRow(target, function, false);
    kernel = Kernels.of(row);
  }

  /**
   * {@code y[i] = f(x[i])}; y may be x.
   *
   * @param x f32 [count]
   * @param y f32 [count]
   */
  public void run(ComputePool pool, MemorySegment x, MemorySegment y, long count) {
    long in = Operand.input("x", x, count);
    long out = Operand.output("y", y, count);
    pool.parallelFor(
        count,
        TASK,
        (from, to) -> {
          long at = from * Float.BYTES;
          row.run(kernel, in + at, 0, out + at, to - from);
        });
  }
}
