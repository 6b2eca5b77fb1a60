package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.fusionc.backend.cpu.kernel.FloatFormat;

/** Brings rows of floating-point weights to panels of {@link FloatLayout}. */
final class FloatPacking {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private FloatPacking() {}

  /**
   * Packs, on the calling thread.
   *
   * @param from [n, k] in the layout's format
   * @param to zeros
   */
  static void run(FloatLayout layout, MemorySegment from, MemorySegment to, int n, int k) {
    int channels = layout.channels();
    for (int row = 0; row < n; row++) {
      row(
          layout.format(),
          from,
          (long) row * k,
          to,
          row / channels * layout.panelBytes(k),
          row % channels,
          channels,
          k);
    }
  }

  private static void row(
      FloatFormat format,
      MemorySegment from,
      long source,
      MemorySegment to,
      long target,
      int channel,
      int channels,
      int k) {
    switch (format) {
      case F32 -> {
        for (int i = 0; i < k; i++) {
          to.set(
              INT, target + 4L * ((long) i * channels + channel), from.get(INT, 4 * (source + i)));
        }
      }
      case F16 -> {
        for (int i = 0; i < k; i++) {
          to.set(
              SHORT,
              target + 2L * ((long) i * channels + channel),
              from.get(SHORT, 2 * (source + i)));
        }
      }
      case BF16 -> {
        for (int i = 0; i < k; i++) {
          long at = target + 4L * ((long) (i / 2) * channels + channel) + i % 2 * 2L;
          to.set(SHORT, at, from.get(SHORT, 2 * (source + i)));
        }
      }
    }
  }
}
