package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.backend.QuantizedLayout;
import org.jspecify.annotations.Nullable;

/**
 * Packs rows of numbers into groups of small integers, unpacks them, and picks packed rows. The
 * arithmetic is that of the op {@code quantize}, bit for bit.
 */
public final class QuantizedRows {
  /** Elements that one task packs. */
  private static final long TASK = 64 * 1024;

  private static final float F16_MAX = 65504;

  /** Added and taken away again, it rounds what is small to whole numbers, ties to even. */
  private static final float ROUNDER = 0x1.8p23f;

  private QuantizedRows() {}

  /**
   * Packs.
   *
   * @param x [rows, columns] in {@code format}
   * @param y as the layout says
   * @param packing does the same to whole groups, and faster; null if nothing does
   */
  public static void pack(
      ComputePool pool,
      MemorySegment x,
      FloatFormat format,
      MemorySegment y,
      QuantizedLayout layout,
      @Nullable GroupPacking packing) {
    int k = Math.toIntExact(layout.columns());
    long from = Operand.input("x", x, layout.rows() * k, format);
    long to = Operand.address("y", y, layout.bytes());
    pool.parallelFor(
        layout.rows(),
        Math.max(1, TASK / Math.max(1, k)),
        (first, end) -> rows(from, format, layout, first, end, to, packing));
  }

  /** The same, on the calling thread. */
  public static void pack(
      MemorySegment x,
      FloatFormat format,
      MemorySegment y,
      QuantizedLayout layout,
      @Nullable GroupPacking packing) {
    long from = Operand.input("x", x, layout.rows() * layout.columns(), format);
    long to = Operand.address("y", y, layout.bytes());
    rows(from, format, layout, 0, layout.rows(), to, packing);
  }

  private static void rows(
      long from,
      FloatFormat format,
      QuantizedLayout layout,
      long first,
      long end,
      long to,
      @Nullable GroupPacking packing) {
    int k = Math.toIntExact(layout.columns());
    int padded = Math.toIntExact(layout.paddedColumns());
    long numbers = Scratch.reserve((long) (padded + layout.dtype().group()) * Float.BYTES);
    var integers = new int[padded];
    for (long row = first; row < end; row++) {
      Packing.row(from + row * k * format.bytes(), format, k, numbers);
      int packed = packing == null ? 0 : groups(packing, numbers, layout, row, to);
      row(numbers, layout, row, packed, integers, to);
    }
  }

  /** How many groups of a row have been packed, from the first one on. */
  private static int groups(
      GroupPacking packing, long x, QuantizedLayout layout, long row, long to) {
    int whole = Math.toIntExact(layout.columns() / layout.dtype().group());
    long at = row * layout.groups() * Short.BYTES;
    long integers = to + row * layout.rowBytes();
    boolean finite =
        packing.run(x, whole, integers, to + layout.scalesAt() + at, to + layout.minimaAt() + at);
    return finite ? whole : 0;
  }

  private static void row(
      long x, QuantizedLayout layout, long row, int packed, int[] integers, long to) {
    int group = layout.dtype().group();
    for (int g = packed; g < layout.groups(); g++) {
      int start = g * group;
      int count = (int) Math.min(group, layout.columns() - start);
      long numbers = x + (long) start * Float.BYTES;
      float min = layout.dtype().asymmetric() ? f16(least(numbers, count)) : 0;
      float scale = scale(numbers, count, layout, min);
      long at = (row * layout.groups() + g) * Short.BYTES;
      Lanes.setF16(to + layout.scalesAt() + at, scale);
      if (layout.dtype().asymmetric()) {
        Lanes.setF16(to + layout.minimaAt() + at, min);
      }
      integers(numbers, count, layout, scale, min, integers, start);
      java.util.Arrays.fill(integers, start + count, start + group, 0);
    }
    store(integers, packed * group, layout, to + row * layout.rowBytes());
  }

  /** The smallest that is a number; infinity if there is none. */
  private static float least(long x, int count) {
    FloatVector all = FloatVector.broadcast(Lanes.F32, Float.POSITIVE_INFINITY);
    int whole = count / Lanes.COUNT * Lanes.COUNT;
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + (long) i * Float.BYTES);
      all = all.min(v.blend(Float.POSITIVE_INFINITY, v.test(VectorOperators.IS_NAN)));
    }
    float least = all.reduceLanes(VectorOperators.MIN);
    for (int i = whole; i < count; i++) {
      float each = Lanes.get(x + (long) i * Float.BYTES);
      least = each < least ? each : least;
    }
    return least;
  }

  private static float scale(long x, int count, QuantizedLayout layout, float min) {
    FloatVector low = FloatVector.broadcast(Lanes.F32, Float.POSITIVE_INFINITY);
    FloatVector high = FloatVector.broadcast(Lanes.F32, Float.NEGATIVE_INFINITY);
    int whole = count / Lanes.COUNT * Lanes.COUNT;
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + (long) i * Float.BYTES);
      VectorMask<Float> nan = v.test(VectorOperators.IS_NAN);
      low = low.min(v.blend(Float.POSITIVE_INFINITY, nan));
      high = high.max(v.blend(Float.NEGATIVE_INFINITY, nan));
    }
    float least = low.reduceLanes(VectorOperators.MIN);
    float most = high.reduceLanes(VectorOperators.MAX);
    for (int i = whole; i < count; i++) {
      float each = Lanes.get(x + (long) i * Float.BYTES);
      least = each < least ? each : least;
      most = each > most ? each : most;
    }
    if (layout.dtype().asymmetric()) {
      return f16((most - min) / layout.largest());
    }
    float largest = Math.max(0, Math.max(Math.abs(least), Math.abs(most)));
    if (least > most) {
      largest = 0;
    }
    if (layout.dtype().width() == 8) {
      return f16(largest / 127);
    }
    boolean isBoth = least == -most;
    float signed = isBoth ? first(x, count, largest) : largest == -least ? -largest : largest;
    return f16(signed / -8);
  }

  /** The first of the numbers that is this or its negative. */
  private static float first(long x, int count, float magnitude) {
    for (int i = 0; i < count; i++) {
      float each = Lanes.get(x + (long) i * Float.BYTES);
      if (Math.abs(each) == magnitude) {
        return each;
      }
    }
    return 0;
  }

  private static float f16(float x) {
    float rounded = Float.float16ToFloat(Float.floatToFloat16(x));
    return Math.clamp(rounded, -F16_MAX, F16_MAX) + 0f;
  }

  private static void integers(
      long x, int count, QuantizedLayout layout, float scale, float min, int[] to, int at) {
    if (scale == 0) {
      java.util.Arrays.fill(to, at, at + count, 0);
      return;
    }
    float low = layout.smallest();
    float high = layout.largest();
    int whole = count / Lanes.COUNT * Lanes.COUNT;
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector q = Lanes.load(x + (long) i * Float.BYTES).sub(min).div(scale);
      FloatVector limited = q.blend(0, q.test(VectorOperators.IS_NAN)).max(low).min(high);
      limited
          .add(ROUNDER)
          .sub(ROUNDER)
          .convert(VectorOperators.F2I, 0)
          .reinterpretAsInts()
          .intoArray(to, at + i);
    }
    for (int i = whole; i < count; i++) {
      float q = (Lanes.get(x + (long) i * Float.BYTES) - min) / scale;
      to[at + i] = (int) Math.rint(Math.clamp(q, low, high));
    }
  }

  /** Writes whole groups from element {@code first} on: 32 bits at a time. */
  private static void store(int[] integers, int first, QuantizedLayout layout, long to) {
    if (layout.dtype().width() == 8) {
      for (int i = first; i < integers.length; i += 4) {
        int four =
            (integers[i] & 255)
                | (integers[i + 1] & 255) << 8
                | (integers[i + 2] & 255) << 16
                | integers[i + 3] << 24;
        Lanes.setInt(to + i, four);
      }
    } else {
      int shift = layout.dtype().asymmetric() ? 0 : 8;
      for (int i = first; i < integers.length; i += 8) {
        int eight = 0;
        for (int j = 0; j < 8; j++) {
          eight |= (integers[i + j] + shift) << (4 * j);
        }
        Lanes.setInt(to + i / 2, eight);
      }
    }
  }

  /**
   * Unpacks to f32.
   *
   * @param x as the layout says
   * @param y f32 [rows, columns]
   */
  public static void unpack(
      ComputePool pool, MemorySegment x, QuantizedLayout layout, MemorySegment y) {
    var matrix = QuantizedMatrix.of(Operand.address("x", x, layout.bytes()), layout);
    long to = Operand.output("y", y, layout.rows() * layout.columns());
    pool.parallelFor(
        layout.rows(),
        Math.max(1, TASK / Math.max(1, layout.columns())),
        (first, end) -> {
          for (long row = first; row < end; row++) {
            matrix.row(row, to + row * layout.columns() * Float.BYTES);
          }
        });
  }

  /**
   * Picks blocks of rows of a table, packed as they are.
   *
   * @param block rows that go together
   * @param blocks how many blocks the table has
   * @param indices of blocks
   * @throws IndexOutOfBoundsException if an index is none of the table's
   */
  public static void gather(
      ComputePool pool,
      MemorySegment x,
      QuantizedLayout from,
      long block,
      long blocks,
      int[] indices,
      MemorySegment y,
      QuantizedLayout to) {
    long scales = block * from.groups() * Short.BYTES;
    Rows.copy(pool, x, blocks, block * from.rowBytes(), indices, y);
    Rows.copy(pool, x.asSlice(from.scalesAt()), blocks, scales, indices, y.asSlice(to.scalesAt()));
    if (from.dtype().asymmetric()) {
      Rows.copy(
          pool, x.asSlice(from.minimaAt()), blocks, scales, indices, y.asSlice(to.minimaAt()));
    }
  }
}
