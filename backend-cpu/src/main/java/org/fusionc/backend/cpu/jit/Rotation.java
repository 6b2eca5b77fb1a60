package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;

/** Rotary position embedding on its own, in machine code. */
public final class Rotation {
  /** Elements per task. */
  private static final int TASK = 16 * 1024;

  private Rotation() {}

  /**
   * {@code y = rope(x)}; {@code y} may be {@code x}.
   *
   * @param x f32 [tokens, heads, dim]
   * @param position per token, not negative
   * @throws IllegalArgumentException if the pairs do not fit a head
   */
  public static void run(
      Target target,
      ComputePool pool,
      RopeTable table,
      MemorySegment x,
      MemorySegment y,
      int[] position,
      int heads,
      int dim) {
    int elements = heads * dim;
    Linears.check("x", x, (long) position.length * elements);
    Linears.check("y", y, (long) position.length * elements);
    table.prepare(position);
    var kernel = Kernels.of(RopeRow.of(target, table, dim));
    pool.parallelFor(
        position.length,
        Math.max(1, TASK / elements),
        (from, to) -> {
          for (int t = (int) from; t < to; t++) {
            long at = (long) t * elements * Float.BYTES;
            long angles = table.row(position[t]);
            RopeRow.run(kernel, x.address() + at, y.address() + at, angles, heads, 1f);
          }
        });
  }
}
