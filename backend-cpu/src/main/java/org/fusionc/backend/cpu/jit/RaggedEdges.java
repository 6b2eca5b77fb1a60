package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** What kernels of whole vectors do at ragged edges: they compute more than there is, elsewhere. */
final class RaggedEdges {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @SuppressWarnings("restricted") // sizes are checked before addresses are used
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private RaggedEdges() {}

  /** Copies {@code count} f32 and fills up to {@code size} with zeros. */
  static void copyPadded(long from, int count, long to, int size) {
    MemorySegment.copy(ALL, from, ALL, to, 4L * count);
    ALL.asSlice(to + 4L * count, 4L * (size - count)).fill((byte) 0);
  }

  /** Copies the columns of a tile that there are to the result, and adds the bias (0: none). */
  static void copyTile(
      long tile, int rows, int columns, long bias, long y, long yBytes, int column, int n) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns && column + c < n; c++) {
        float value = ALL.get(FLOAT, tile + 4L * ((long) r * columns + c));
        ALL.set(
            FLOAT,
            y + r * yBytes + 4L * (column + c),
            bias == 0 ? value : value + ALL.get(FLOAT, bias + 4L * (column + c)));
      }
    }
  }
}
