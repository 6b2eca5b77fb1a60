package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * One row of x against rows of weights, read once and in their stored format.
 *
 * <p>Four rows of weights are read side by side, each with one accumulator: four streams per thread
 * keep the memory busy, and four chains of multiply-adds hide their latency. Halves take more
 * instructions to convert and go two by two.
 */
final class Gemv {

  /** Rows of weights done together. */
  static final int ROWS = 4;

  private Gemv() {}

  /** y[from … to-1] for one row x[k]; {@code bias} is 0 if there is none. */
  static void rows(long x, long w, FloatFormat format, long bias, long y, int from, int to, int k) {
    long sums = Scratch.reserve((long) ROWS * Lanes.BYTES);
    long stride = (long) k * format.bytes();
    int whole = k - k % Lanes.COUNT;
    for (int n = from; n < to; n += ROWS) {
      int last = to - 1;
      long w0 = w + n * stride;
      long w1 = w + Math.min(n + 1, last) * stride;
      long w2 = w + Math.min(n + 2, last) * stride;
      long w3 = w + Math.min(n + 3, last) * stride;
      switch (format) {
        case F32 -> f32(x, w0, w1, w2, w3, whole, sums);
        case BF16 -> bf16(x, w0, w1, w2, w3, whole, sums);
        case F16 -> {
          f16(x, w0, w1, whole, sums);
          f16(x, w2, w3, whole, sums + 2L * Lanes.BYTES);
        }
      }
      if (whole < k) {
        tail(x, w0, format, whole, k, sums);
        tail(x, w1, format, whole, k, sums + Lanes.BYTES);
        tail(x, w2, format, whole, k, sums + 2L * Lanes.BYTES);
        tail(x, w3, format, whole, k, sums + 3L * Lanes.BYTES);
      }
      long at = (long) n * Float.BYTES;
      LaneSums.four(sums, bias == 0 ? 0 : bias + at, y + at, Math.min(ROWS, to - n));
    }
  }

  private static void f32(long x, long w0, long w1, long w2, long w3, int k, long sums) {
    FloatVector a0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    FloatVector a2 = Lanes.zero();
    FloatVector a3 = Lanes.zero();
    for (int i = 0; i < k; i += Lanes.COUNT) {
      long at = (long) i * Float.BYTES;
      FloatVector v = Lanes.load(x + at);
      a0 = Lanes.load(w0 + at).fma(v, a0);
      a1 = Lanes.load(w1 + at).fma(v, a1);
      a2 = Lanes.load(w2 + at).fma(v, a2);
      a3 = Lanes.load(w3 + at).fma(v, a3);
    }
    Lanes.store(a0, sums);
    Lanes.store(a1, sums + Lanes.BYTES);
    Lanes.store(a2, sums + 2L * Lanes.BYTES);
    Lanes.store(a3, sums + 3L * Lanes.BYTES);
  }

  private static void bf16(long x, long w0, long w1, long w2, long w3, int k, long sums) {
    FloatVector a0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    FloatVector a2 = Lanes.zero();
    FloatVector a3 = Lanes.zero();
    for (int i = 0; i < k; i += Lanes.COUNT) {
      long at = (long) i * Short.BYTES;
      FloatVector v = Lanes.load(x + at + at);
      a0 = Lanes.loadBf16(w0 + at).fma(v, a0);
      a1 = Lanes.loadBf16(w1 + at).fma(v, a1);
      a2 = Lanes.loadBf16(w2 + at).fma(v, a2);
      a3 = Lanes.loadBf16(w3 + at).fma(v, a3);
    }
    Lanes.store(a0, sums);
    Lanes.store(a1, sums + Lanes.BYTES);
    Lanes.store(a2, sums + 2L * Lanes.BYTES);
    Lanes.store(a3, sums + 3L * Lanes.BYTES);
  }

  private static void f16(long x, long w0, long w1, int k, long sums) {
    FloatVector a0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    for (int i = 0; i < k; i += Lanes.COUNT) {
      long at = (long) i * Short.BYTES;
      FloatVector v = Lanes.load(x + at + at);
      a0 = Lanes.loadF16(w0 + at).fma(v, a0);
      a1 = Lanes.loadF16(w1 + at).fma(v, a1);
    }
    Lanes.store(a0, sums);
    Lanes.store(a1, sums + Lanes.BYTES);
  }

  /** Adds what is left of a row, zeros in the lanes beyond. */
  private static void tail(long x, long w, FloatFormat format, int from, int k, long sum) {
    int rest = k - from;
    FloatVector v = Lanes.loadTail(x + (long) from * Float.BYTES, rest);
    FloatVector weights = Lanes.loadTail(w + (long) from * format.bytes(), format, rest);
    Lanes.store(weights.fma(v, Lanes.load(sum)), sum);
  }
}
