package org.fusionc.backend.cpu.kernel;

/** Converts rows in any format to f32. */
final class Packing {

  private static final int HALF = Lanes.COUNT * Short.BYTES;

  private Packing() {}

  /**
   * Converts rows to a panel: vector by vector, the rows side by side, zeros in the lanes beyond
   * the end. Places beyond the last row repeat it.
   *
   * @param source the first element of the first row
   * @param rowElements the distance of two rows in the source, in elements
   * @param rows how many rows there are
   * @param slots how many rows the panel has
   * @param length elements of a row that are wanted
   */
  static void panel(
      long source,
      FloatFormat format,
      int rowElements,
      int rows,
      int slots,
      int length,
      long target) {
    long stride = (long) slots * Lanes.BYTES;
    for (int slot = 0; slot < slots; slot++) {
      long row = source + Math.min(slot, rows - 1) * (long) rowElements * format.bytes();
      long to = target + (long) slot * Lanes.BYTES;
      int vectors = length / Lanes.COUNT;
      vectors(row, format, vectors, to, stride);
      int whole = vectors * Lanes.COUNT;
      if (whole < length) {
        long rest = row + (long) whole * format.bytes();
        Lanes.store(Lanes.loadTail(rest, format, length - whole), to + vectors * stride);
      }
    }
  }

  /** One row; writes exactly {@code length} elements. */
  static void row(long source, FloatFormat format, int length, long target) {
    int vectors = length / Lanes.COUNT;
    vectors(source, format, vectors, target, Lanes.BYTES);
    for (int i = vectors * Lanes.COUNT; i < length; i++) {
      Lanes.set(target + (long) i * Float.BYTES, Lanes.get(source, format, i));
    }
  }

  private static void vectors(
      long source, FloatFormat format, int vectors, long target, long stride) {
    switch (format) {
      case F32 -> f32(source, vectors, target, stride);
      case F16 -> f16(source, vectors, target, stride);
      case BF16 -> bf16(source, vectors, target, stride);
    }
  }

  private static void f32(long source, int vectors, long target, long stride) {
    for (int i = 0; i < vectors; i++) {
      Lanes.store(Lanes.load(source + (long) i * Lanes.BYTES), target + i * stride);
    }
  }

  private static void f16(long source, int vectors, long target, long stride) {
    for (int i = 0; i < vectors; i++) {
      Lanes.store(Lanes.loadF16(source + (long) i * HALF), target + i * stride);
    }
  }

  private static void bf16(long source, int vectors, long target, long stride) {
    for (int i = 0; i < vectors; i++) {
      Lanes.store(Lanes.loadBf16(source + (long) i * HALF), target + i * stride);
    }
  }
}
