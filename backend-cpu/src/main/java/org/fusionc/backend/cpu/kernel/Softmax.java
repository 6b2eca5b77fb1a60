package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;

/** Softmax over the last axis of [rows, d], f32. y may be x's memory. */
public final class Softmax {

  private static final int TASK = 8 * 1024;

  private Softmax() {}

  /** {@code y = e^(x - max x) / Σ e^(x - max x)}, row by row. */
  public static void run(ComputePool pool, MemorySegment x, MemorySegment y, int rows, int d) {
    long from = Operand.input("x", x, (long) rows * d);
    long to = Operand.output("y", y, (long) rows * d);
    pool.parallelFor(
        rows,
        Math.max(1, TASK / Math.max(1, d)),
        (first, last) -> {
          for (long row = first; row < last; row++) {
            long at = row * d * Float.BYTES;
            row(from + at, to + at, d);
          }
        });
  }

  private static void row(long x, long y, int d) {
    float max = RowSums.max(x, d);
    int vectors = d / Lanes.COUNT;
    exponentials(x, max, y, vectors);
    int rest = d - vectors * Lanes.COUNT;
    if (rest > 0) {
      long end = (long) vectors * Lanes.BYTES;
      long padded = Elementwise.pad(x + end, rest, 0);
      exponentials(padded, max, padded, 1);
      Elementwise.copy(padded, y + end, rest);
    }
    divide(y, (float) RowSums.sum(y, d), d);
  }

  /** {@code y = e^(x - max)} over whole vectors. */
  static void exponentials(long x, float max, long y, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      Lanes.store(VectorMath.exp(Lanes.load(x + at).sub(max)), y + at);
    }
  }

  private static void divide(long y, float divisor, int d) {
    int vectors = d / Lanes.COUNT;
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      Lanes.store(Lanes.load(y + at).div(divisor), y + at);
    }
    for (int i = vectors * Lanes.COUNT; i < d; i++) {
      long at = (long) i * Float.BYTES;
      Lanes.set(y + at, Lanes.get(y + at) / divisor);
    }
  }
}
