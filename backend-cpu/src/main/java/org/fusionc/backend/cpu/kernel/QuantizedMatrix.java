package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;
import org.fusionc.ir.backend.QuantizedLayout;

/**
 * Rows of small integers in groups. A number is {@code scale · u + offset}, one fused multiply-add
 * in f32: u is the integer as it is stored, and the offset is the group's minimum, or {@code -8 ·
 * scale} where 4-bit integers are stored with 8 added to them, or 0.
 *
 * @param integers the first row's
 * @param scales the first row's
 * @param minima the first row's; 0 if there are none
 * @param isNibbles whether two integers share a byte
 * @param mask what an integer of a byte keeps after its sign was extended: 255 drops the sign
 * @param shift what is added to integers when they are stored
 */
record QuantizedMatrix(
    long integers,
    long scales,
    long minima,
    int k,
    int group,
    long groups,
    long rowBytes,
    boolean isNibbles,
    int mask,
    float shift)
    implements WeightMatrix {

  private static final int ROWS = 4;

  static QuantizedMatrix of(long address, QuantizedLayout layout) {
    var dtype = layout.dtype();
    boolean isNibbles = dtype.width() == 4;
    return new QuantizedMatrix(
        address,
        address + layout.scalesAt(),
        dtype.asymmetric() ? address + layout.minimaAt() : 0,
        Math.toIntExact(layout.columns()),
        dtype.group(),
        layout.groups(),
        layout.rowBytes(),
        isNibbles,
        dtype.asymmetric() ? 255 : -1,
        isNibbles && !dtype.asymmetric() ? 8 : 0);
  }

  @Override
  public WeightMatrix from(long row) {
    long before = row * groups * Short.BYTES;
    return new QuantizedMatrix(
        integers + row * rowBytes,
        scales + before,
        minima == 0 ? 0 : minima + before,
        k,
        group,
        groups,
        rowBytes,
        isNibbles,
        mask,
        shift);
  }

  private float scale(long row, int g) {
    return Lanes.getF16(scales + (row * groups + g) * Short.BYTES);
  }

  private float offset(long row, int g, float scale) {
    return minima == 0 ? -shift * scale : Lanes.getF16(minima + (row * groups + g) * Short.BYTES);
  }

  private long address(long row) {
    return integers + row * rowBytes;
  }

  @Override
  public void panel(long row, int rows, int slots, int from, int length, long target) {
    long stride = (long) slots * Lanes.BYTES;
    for (int slot = 0; slot < slots; slot++) {
      numbers(
          row + Math.min(slot, rows - 1),
          from,
          Lanes.roundUp(length),
          target + (long) slot * Lanes.BYTES,
          stride);
    }
  }

  /**
   * Converts whole vectors of a row.
   *
   * @param from a multiple of the group's size
   * @param stride bytes from one vector to the next in the target
   */
  private void numbers(long row, int from, int length, long target, long stride) {
    long at = target;
    for (int start = from; start < from + length; start += group) {
      int end = Math.min(from + length, start + group);
      float scale = scale(row, start / group);
      float offset = offset(row, start / group, scale);
      if (isNibbles) {
        nibbles(address(row), start, end, scale, offset, at, stride);
      } else {
        bytes(address(row), start, end, scale, offset, at, stride);
      }
      at += (long) (group / Lanes.COUNT) * stride;
    }
  }

  private static void nibbles(
      long row, int from, int to, float scale, float offset, long target, long stride) {
    FloatVector s = FloatVector.broadcast(Lanes.F32, scale);
    FloatVector o = FloatVector.broadcast(Lanes.F32, offset);
    long at = target;
    for (int i = from; i < to; i += Lanes.COUNT) {
      Lanes.store(SmallIntegers.nibbles(row + i / 2).fma(s, o), at);
      at += stride;
    }
  }

  private void bytes(
      long row, int from, int to, float scale, float offset, long target, long stride) {
    FloatVector s = FloatVector.broadcast(Lanes.F32, scale);
    FloatVector o = FloatVector.broadcast(Lanes.F32, offset);
    long at = target;
    for (int i = from; i < to; i += Lanes.COUNT) {
      Lanes.store(SmallIntegers.bytes(row + i, mask).fma(s, o), at);
      at += stride;
    }
  }

  /** Writes the {@code k} numbers of a row. */
  void row(long row, long target) {
    int whole = k / Lanes.COUNT * Lanes.COUNT;
    numbers(row, 0, whole, target, Lanes.BYTES);
    if (whole < k) {
      Lanes.storeTail(vector(row, whole), target + (long) whole * Float.BYTES, k - whole);
    }
  }

  /** The vector of numbers from element {@code i} on. */
  private FloatVector vector(long row, int i) {
    float scale = scale(row, i / group);
    FloatVector s = FloatVector.broadcast(Lanes.F32, scale);
    FloatVector o = FloatVector.broadcast(Lanes.F32, offset(row, i / group, scale));
    FloatVector integers =
        isNibbles
            ? SmallIntegers.nibbles(address(row) + i / 2)
            : SmallIntegers.bytes(address(row) + i, mask);
    return integers.fma(s, o);
  }

  @Override
  public void product(long x, long bias, long y, int from, int to) {
    long sums = Scratch.reserve((long) ROWS * Lanes.BYTES);
    for (int n = from; n < to; n += ROWS) {
      int last = to - 1;
      pair(x, n, Math.min(n + 1, last), sums);
      pair(x, Math.min(n + 2, last), Math.min(n + 3, last), sums + 2L * Lanes.BYTES);
      long at = (long) n * Float.BYTES;
      LaneSums.four(sums, bias == 0 ? 0 : bias + at, y + at, Math.min(ROWS, to - n));
    }
  }

  private void pair(long x, long row0, long row1, long sums) {
    int whole = k / Lanes.COUNT * Lanes.COUNT;
    Lanes.store(Lanes.zero(), sums);
    Lanes.store(Lanes.zero(), sums + Lanes.BYTES);
    for (int start = 0; start < whole; start += group) {
      int end = Math.min(whole, start + group);
      float s0 = scale(row0, start / group);
      float s1 = scale(row1, start / group);
      float o0 = offset(row0, start / group, s0);
      float o1 = offset(row1, start / group, s1);
      if (isNibbles) {
        addNibbles(x, address(row0), address(row1), start, end, s0, s1, o0, o1, sums);
      } else {
        addBytes(x, address(row0), address(row1), start, end, s0, s1, o0, o1, sums);
      }
    }
    if (whole < k) {
      FloatVector v = Lanes.loadTail(x + (long) whole * Float.BYTES, k - whole);
      Lanes.store(vector(row0, whole).fma(v, Lanes.load(sums)), sums);
      Lanes.store(vector(row1, whole).fma(v, Lanes.load(sums + Lanes.BYTES)), sums + Lanes.BYTES);
    }
  }

  private static void addNibbles(
      long x,
      long w0,
      long w1,
      int from,
      int to,
      float s0,
      float s1,
      float o0,
      float o1,
      long sums) {
    FloatVector scale0 = FloatVector.broadcast(Lanes.F32, s0);
    FloatVector scale1 = FloatVector.broadcast(Lanes.F32, s1);
    FloatVector offset0 = FloatVector.broadcast(Lanes.F32, o0);
    FloatVector offset1 = FloatVector.broadcast(Lanes.F32, o1);
    FloatVector a0 = Lanes.load(sums);
    FloatVector a1 = Lanes.load(sums + Lanes.BYTES);
    for (int i = from; i < to; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + (long) i * Float.BYTES);
      a0 = SmallIntegers.nibbles(w0 + i / 2).fma(scale0, offset0).fma(v, a0);
      a1 = SmallIntegers.nibbles(w1 + i / 2).fma(scale1, offset1).fma(v, a1);
    }
    Lanes.store(a0, sums);
    Lanes.store(a1, sums + Lanes.BYTES);
  }

  private void addBytes(
      long x,
      long w0,
      long w1,
      int from,
      int to,
      float s0,
      float s1,
      float o0,
      float o1,
      long sums) {
    FloatVector scale0 = FloatVector.broadcast(Lanes.F32, s0);
    FloatVector scale1 = FloatVector.broadcast(Lanes.F32, s1);
    FloatVector offset0 = FloatVector.broadcast(Lanes.F32, o0);
    FloatVector offset1 = FloatVector.broadcast(Lanes.F32, o1);
    FloatVector a0 = Lanes.load(sums);
    FloatVector a1 = Lanes.load(sums + Lanes.BYTES);
    for (int i = from; i < to; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + (long) i * Float.BYTES);
      a0 = SmallIntegers.bytes(w0 + i, mask).fma(scale0, offset0).fma(v, a0);
      a1 = SmallIntegers.bytes(w1 + i, mask).fma(scale1, offset1).fma(v, a1);
    }
    Lanes.store(a0, sums);
    Lanes.store(a1, sums + Lanes.BYTES);
  }
}
