package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Elementwise kernels on f32. An output may be an input's memory if both have the same elements.
 * The elements left over after the last whole vector go through the same vector code, padded, so
 * the bits of an element do not depend on its place.
 */
public final class Elementwise {

  /** Elements per task: well above the cost of a hand-off. */
  private static final int TASK = 16 * 1024;

  private static final int FILL = 1024;

  private Elementwise() {}

  /** {@code y[i] = op(x[i])} for i below {@code count}. */
  public static void unary(
      ComputePool pool, UnaryOp op, MemorySegment x, MemorySegment y, long count) {
    long from = Operand.input("x", x, count);
    long to = Operand.output("y", y, count);
    pool.parallelFor(
        count,
        TASK,
        (first, last) -> {
          int n = (int) (last - first);
          long at = first * Float.BYTES;
          int whole = n / Lanes.COUNT;
          UnaryLoops.run(op, from + at, to + at, whole);
          int rest = n - whole * Lanes.COUNT;
          if (rest > 0) {
            long end = at + (long) whole * Lanes.BYTES;
            long padded = pad(from + end, rest, 0);
            UnaryLoops.run(op, padded, padded, 1);
            copy(padded, to + end, rest);
          }
        });
  }

  /** {@code y[i] = cap · tanh(x[i] / cap)}. */
  public static void softcap(
      ComputePool pool, float cap, MemorySegment x, MemorySegment y, long count) {
    long from = Operand.input("x", x, count);
    long to = Operand.output("y", y, count);
    pool.parallelFor(
        count,
        TASK,
        (first, last) -> {
          int n = (int) (last - first);
          long at = first * Float.BYTES;
          int whole = n / Lanes.COUNT;
          UnaryLoops.softcap(cap, from + at, to + at, whole);
          int rest = n - whole * Lanes.COUNT;
          if (rest > 0) {
            long end = at + (long) whole * Lanes.BYTES;
            long padded = pad(from + end, rest, 0);
            UnaryLoops.softcap(cap, padded, padded, 1);
            copy(padded, to + end, rest);
          }
        });
  }

  /** {@code y[i] = op(a[i], b[i])} for i below {@code count}. */
  public static void binary(
      ComputePool pool,
      BinaryOp op,
      MemorySegment a,
      MemorySegment b,
      MemorySegment y,
      long count) {
    long left = Operand.input("a", a, count);
    long right = Operand.input("b", b, count);
    long to = Operand.output("y", y, count);
    pool.parallelFor(
        count,
        TASK,
        (first, last) -> {
          long at = first * Float.BYTES;
          span(op, left + at, right + at, to + at, (int) (last - first));
        });
  }

  /**
   * {@code y[i, j] = op(a[…], b[…])} over [rows, columns], where each operand spans all of it or is
   * repeated.
   *
   * @param y f32 [rows, columns]
   */
  public static void binary(
      ComputePool pool,
      BinaryOp op,
      MemorySegment a,
      Extent aExtent,
      MemorySegment b,
      Extent bExtent,
      MemorySegment y,
      long rows,
      int columns) {
    if (aExtent == Extent.FULL && bExtent == Extent.FULL) {
      binary(pool, op, a, b, y, Math.multiplyExact(rows, columns));
      return;
    }
    long left = Operand.input("a", a, aExtent.elements(rows, columns));
    long right = Operand.input("b", b, bExtent.elements(rows, columns));
    long to = Operand.output("y", y, Math.multiplyExact(rows, columns));
    long grain = Math.max(1, TASK / Math.max(1, columns));
    pool.parallelFor(
        rows,
        grain,
        (first, last) -> {
          for (long row = first; row < last; row++) {
            row(op, left, aExtent, right, bExtent, to, row, columns);
          }
        });
  }

  /**
   * {@code y[i, j] = op(x[i, j], x[i, half + j])}: the two operands are the halves of each row.
   *
   * @param x f32 [rows, 2 · half]
   * @param y f32 [rows, half]
   */
  public static void packed(
      ComputePool pool, BinaryOp op, MemorySegment x, MemorySegment y, long rows, int half) {
    long from = Operand.input("x", x, Math.multiplyExact(rows, 2L * half));
    long to = Operand.output("y", y, Math.multiplyExact(rows, half));
    long bytes = (long) half * Float.BYTES;
    long grain = Math.max(1, TASK / Math.max(1, half));
    pool.parallelFor(
        rows,
        grain,
        (first, last) -> {
          for (long row = first; row < last; row++) {
            long gate = from + row * 2 * bytes;
            span(op, gate, gate + bytes, to + row * bytes, half);
          }
        });
  }

  private static void row(
      BinaryOp op,
      long left,
      Extent aExtent,
      long right,
      Extent bExtent,
      long to,
      long row,
      int columns) {
    // Repeated numbers are spread over a stretch of scratch memory behind the two padded vectors.
    long fillA = Scratch.reserve(2L * Lanes.BYTES + 2L * FILL * Float.BYTES) + 2L * Lanes.BYTES;
    long fillB = fillA + (long) FILL * Float.BYTES;
    long a = place(aExtent, left, row, columns, fillA);
    long b = place(bExtent, right, row, columns, fillB);
    for (int column = 0; column < columns; column += FILL) {
      int n = Math.min(FILL, columns - column);
      long at = (long) column * Float.BYTES;
      span(
          op,
          a == fillA ? a : a + at,
          b == fillB ? b : b + at,
          to + row * columns * Float.BYTES + at,
          n);
    }
  }

  private static long place(Extent extent, long address, long row, int columns, long fill) {
    return switch (extent) {
      case FULL -> address + row * columns * Float.BYTES;
      case ROW -> address;
      case COLUMN -> fill(fill, Math.min(FILL, columns), Lanes.get(address + row * Float.BYTES));
      case SCALAR -> fill(fill, Math.min(FILL, columns), Lanes.get(address));
    };
  }

  private static long fill(long target, int count, float value) {
    for (int i = 0; i < count; i++) {
      Lanes.set(target + (long) i * Float.BYTES, value);
    }
    return target;
  }

  /** {@code y = op(a, b)} over a contiguous stretch. */
  static void span(BinaryOp op, long a, long b, long y, int n) {
    int whole = n / Lanes.COUNT;
    BinaryLoops.run(op, a, b, y, whole);
    int rest = n - whole * Lanes.COUNT;
    if (rest > 0) {
      long end = (long) whole * Lanes.BYTES;
      long padded = pad(a + end, rest, 0);
      pad(b + end, rest, 1);
      BinaryLoops.run(op, padded, padded + Lanes.BYTES, padded, 1);
      copy(padded, y + end, rest);
    }
  }

  /** Copies the last elements to one of two vectors of scratch memory, with ones behind them. */
  static long pad(long from, int count, int slot) {
    long vectors = Scratch.reserve(2L * Lanes.BYTES);
    long to = vectors + (long) slot * Lanes.BYTES;
    copy(from, to, count);
    fill(to + (long) count * Float.BYTES, Lanes.COUNT - count, 1f);
    return vectors;
  }

  static void copy(long from, long to, int count) {
    for (int i = 0; i < count; i++) {
      long at = (long) i * Float.BYTES;
      Lanes.set(to + at, Lanes.get(from + at));
    }
  }
}
