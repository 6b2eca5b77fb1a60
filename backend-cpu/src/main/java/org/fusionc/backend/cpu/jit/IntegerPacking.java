package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.jit.RaggedEdges.ALL;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.ir.backend.QuantizedLayout;

/**
 * Brings quantised weights from the form in which artifacts keep them to panels of {@link
 * IntegerFormat}: integers row after row, then all scales, then all minima.
 */
final class IntegerPacking {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Turns each byte by 128: between signed and unsigned. */
  private static final int TURN = 0x8080_8080;

  private final IntegerFormat format;
  private final long from;
  private final long to;
  private final int n;
  private final int groups;
  private final long rowBytes;

  private IntegerPacking(IntegerFormat format, long from, long to, int n, int k) {
    this.format = format;
    this.from = from;
    this.to = to;
    this.n = n;
    groups = format.groups(k);
    rowBytes = (long) groups * format.group() * format.type().width() / 8;
  }

  /** Packs, on the calling thread. */
  static void run(IntegerFormat format, MemorySegment from, MemorySegment to, int n, int k) {
    long panelBytes = format.panelBytes(k);
    long rows = Operand.address("weights", from, new QuantizedLayout(format.type(), n, k).bytes());
    long panels = Operand.address("panels", to, format.bytes(n, k));
    var packing = new IntegerPacking(format, rows, panels, n, k);
    for (int panel = 0; panel < format.panels(n); panel++) {
      packing.panel(panel, panel * panelBytes);
    }
  }

  private void panel(int panel, long target) {
    int lanes = format.target().lanes();
    for (int channel = 0; channel < format.channels(); channel++) {
      int row = panel * format.channels() + channel;
      if (row < n) {
        int block = channel / lanes;
        int lane = channel % lanes;
        integers(row, target + format.integersAt(block, 0) + 4L * lane);
        scales(row, target + format.scalesAt(block) + 2L * lane);
      }
    }
  }

  private void integers(int row, long target) {
    long source = row * rowBytes;
    int vector = format.target().vector();
    boolean narrow = format.type().width() == 4;
    int turn = !narrow && format.zero() != 0 ? TURN : 0;
    int perGroup = format.groupBytes() / vector;
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < perGroup; i++) {
        int four = ALL.get(INT, from + source + 4L * ((long) g * perGroup + i));
        long at = target + (long) g * format.stepBytes() + 2L * i * vector;
        ALL.set(INT, to + at, narrow ? halved(four) : four ^ turn);
      }
    }
  }

  /** Eight elements in the order of memory to the first four below the last four. */
  private static int halved(int nibbles) {
    return Integer.expand(nibbles & 0xFFFF, 0x0F0F_0F0F)
        | Integer.expand(nibbles >>> 16, 0xF0F0_F0F0);
  }

  private void scales(int row, long target) {
    long scales = n * rowBytes + (long) row * groups * 2;
    long minima = scales + (long) n * groups * 2;
    for (int g = 0; g < groups; g++) {
      long at = target + (long) g * format.stepBytes();
      ALL.set(SHORT, to + at, ALL.get(SHORT, from + scales + 2L * g));
      if (format.type().asymmetric()) {
        ALL.set(
            SHORT, to + at + 4L * format.target().lanes(), ALL.get(SHORT, from + minima + 2L * g));
      }
    }
  }
}
