package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** What linear layers in machine code have in common: checks, and the ragged edges. */
final class Linears {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @SuppressWarnings("restricted") // sizes are checked before addresses are used
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private Linears() {}

  /** Refuses a segment that a kernel could not address. */
  static void check(String name, MemorySegment segment, long elements) {
    long bytes = Math.multiplyExact(elements, Float.BYTES);
    if (segment.byteSize() < bytes) {
      throw new IllegalArgumentException(
          name + " needs " + bytes + " bytes, but its segment has " + segment.byteSize());
    }
    if (bytes > 0 && !(segment.isNative() && segment.scope().isAlive())) {
      throw new IllegalArgumentException(name + " is not in native memory that is alive");
    }
  }

  /** Refuses a segment of fewer bytes. */
  static void require(MemorySegment segment, long bytes) {
    if (segment.byteSize() < bytes || !segment.isNative()) {
      throw new IllegalArgumentException(
          bytes + " bytes are needed in native memory, not " + segment);
    }
  }

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
