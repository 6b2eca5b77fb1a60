package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;

/** Rotary position embedding on its own, in machine code. */
public final class Rotation {
  /** Elements per task. */
  private static final int TASK = 16 * 1024;

  private final RopeTable table;
  private final MachineCode kernel;
  private final int dim;

  /**
   * For heads of one size.
   *
   * @param dim elements of a head
   * @throws IllegalArgumentException if the pairs do not fit a head
   */
  public Rotation(Target target, RopeTable table, int dim) {
    this.table = table;
    this.dim = dim;
    kernel = Kernels.of(RopeRow.of(target, table, dim));
  }

  /**
   * {@code y = rope(x)}; {@code y} may be {@code x}.
   *
   * @param x f32 [tokens, heads, dim]
   * @param position per token, not negative
   */
  public void run(ComputePool pool, MemorySegment x, MemorySegment y, int[] position, int heads) {
    int elements = heads * dim;
    long in = Operand.input("x", x, (long) position.length * elements);
    long out = Operand.output("y", y, (long) position.length * elements);
    table.prepare(position);
    pool.parallelFor(
        position.length,
        Math.max(1, TASK / elements),
        (from, to) -> {
          for (int t = (int) from; t < to; t++) {
            long at = (long) t * elements * Float.BYTES;
            long angles = table.row(position[t]);
            RopeRow.run(kernel, in + at, out + at, angles, heads, 1f);
          }
        });
  }
}
