package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;

/** Picks rows of a table, as an embedding does, converting to f32 or as they are. */
public final class Rows {
  private Rows() {}

  /**
   * {@code y[i] = x[rows[i]]}, byte for byte.
   *
   * @param rowBytes bytes of one row
   * @param count rows of x
   * @throws IndexOutOfBoundsException if an index is none of x's rows
   */
  public static void copy(
      ComputePool pool, MemorySegment x, long count, long rowBytes, int[] rows, MemorySegment y) {
    for (int row : rows) {
      if (row < 0 || row >= count) {
        throw new IndexOutOfBoundsException("row " + row + " of " + count);
      }
    }
    pool.parallelFor(
        rows.length,
        16,
        (from, to) -> {
          for (int i = (int) from; i < to; i++) {
            MemorySegment.copy(x, rows[i] * rowBytes, y, i * rowBytes, rowBytes);
          }
        });
  }
}
