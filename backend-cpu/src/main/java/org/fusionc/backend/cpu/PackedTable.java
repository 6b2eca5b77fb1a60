package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.PackedLayout;

/** A matrix that is kept packed, for products, and of which rows are picked as well. */
record PackedTable(PackedLayout layout, Type.Tensor type, MemorySegment data) {
  /**
   * Picks rows.
   *
   * @param y as many rows of the same dtype
   * @throws IndexOutOfBoundsException if an index is none of the table's rows
   */
  void gather(ComputePool pool, int[] rows, MemorySegment y) {
    long count = type.dim(0).value();
    for (int row : rows) {
      if (row < 0 || row >= count) {
        throw new IndexOutOfBoundsException("row " + row + " of " + count);
      }
    }
    pool.parallelFor(
        rows.length,
        4,
        (from, to) -> {
          for (int i = (int) from; i < to; i++) {
            layout.unpack(type, data, rows[i], y, rows.length, i);
          }
        });
  }
}
