package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.jit.RaggedEdges.ALL;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.Operand;

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
    long rows = Operand.input("weights", from, (long) n * k, layout.format());
    long panels = Operand.address("panels", to, layout.bytes(n, k));
    int channels = layout.channels();
    for (int row = 0; row < n; row++) {
      row(
          layout.format(),
          rows + (long) row * k * layout.format().bytes(),
          panels + row / channels * layout.panelBytes(k),
          row % channels,
          channels,
          k);
    }
  }

  private static void row(
      FloatFormat format, long from, long to, int channel, int channels, int k) {
    switch (format) {
      case F32 -> {
        for (long i = 0; i < k; i++) {
          ALL.set(INT, to + 4 * (i * channels + channel), ALL.get(INT, from + 4 * i));
        }
      }
      case F16 -> {
        for (long i = 0; i < k; i++) {
          ALL.set(SHORT, to + 2 * (i * channels + channel), ALL.get(SHORT, from + 2 * i));
        }
      }
      case BF16 -> {
        // Two at a time, and one that is left, beside which stays zero.
        for (long i = 0; i + 1 < k; i += 2) {
          ALL.set(INT, to + 4 * (i / 2 * channels + channel), ALL.get(INT, from + 2 * i));
        }
        if (k % 2 == 1) {
          long at = to + 4 * (k / 2 * (long) channels + channel);
          ALL.set(SHORT, at, ALL.get(SHORT, from + 2 * (k - 1L)));
        }
      }
    }
  }
}
