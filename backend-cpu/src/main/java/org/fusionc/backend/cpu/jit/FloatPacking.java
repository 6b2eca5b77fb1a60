package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.parallel.ComputePool;

/** Brings rows of floating-point weights to blocks of {@link FloatLayout}. */
final class FloatPacking {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private FloatPacking() {}

  /**
   * Packs.
   *
   * @param from [n, k] in the layout's format
   * @param to zeros
   */
  static void run(
      ComputePool pool, FloatLayout layout, MemorySegment from, MemorySegment to, int n, int k) {
    int lanes = layout.target().lanes();
    pool.parallelFor(
        layout.blocks(n),
        1,
        (first, end) -> {
          for (int block = (int) first; block < end; block++) {
            for (int lane = 0; lane < lanes && block * lanes + lane < n; lane++) {
              row(
                  layout.format(),
                  from,
                  (long) (block * lanes + lane) * k,
                  to,
                  block * layout.blockBytes(k),
                  lane,
                  lanes,
                  k);
            }
          }
        });
  }

  private static void row(
      FloatFormat format,
      MemorySegment from,
      long source,
      MemorySegment to,
      long target,
      int lane,
      int lanes,
      int k) {
    switch (format) {
      case F32 -> {
        for (int i = 0; i < k; i++) {
          to.set(INT, target + 4L * ((long) i * lanes + lane), from.get(INT, 4 * (source + i)));
        }
      }
      case F16 -> {
        for (int i = 0; i < k; i++) {
          to.set(SHORT, target + 2L * ((long) i * lanes + lane), from.get(SHORT, 2 * (source + i)));
        }
      }
      case BF16 -> {
        for (int i = 0; i < k; i++) {
          long at = target + 4L * ((long) (i / 2) * lanes + lane) + i % 2 * 2L;
          to.set(SHORT, at, from.get(SHORT, 2 * (source + i)));
        }
      }
    }
  }
}
