package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * The two products of attention over a stretch of positions.
 *
 * <p>A score adds up over the elements of the head in ascending order, an output over the positions
 * in ascending order, each in a lane of its own, so how rows and vectors are tiled changes no bit.
 * Where a tile has more places than there is work, the last row or vector is done again in its
 * place.
 */
final class AttentionTiles {

  private static final int BYTES = Lanes.BYTES;

  private AttentionTiles() {}

  /**
   * {@code scores[r, group] = Σ_d q[r, d] · keys[group, d]} for groups of as many positions as
   * lanes.
   *
   * @param q addresses of the query rows, as longs in memory
   * @param keys addresses of the key groups [kDim, lanes], as longs in memory
   * @param scores first row's first score; a row is {@code stride} bytes
   */
  static void scores(
      long q, int rows, long keys, int from, int to, int kDim, long scores, long stride) {
    if (rows == 1) {
      for (int g = from; g < to; g += 4) {
        int last = to - 1;
        int g1 = Math.min(g + 1, last);
        int g2 = Math.min(g + 2, last);
        int g3 = Math.min(g + 3, last);
        oneByFour(
            Lanes.getLong(q),
            Lanes.getLong(keys + 8L * g),
            Lanes.getLong(keys + 8L * g1),
            Lanes.getLong(keys + 8L * g2),
            Lanes.getLong(keys + 8L * g3),
            kDim,
            scores + (long) g * BYTES,
            scores + (long) g1 * BYTES,
            scores + (long) g2 * BYTES,
            scores + (long) g3 * BYTES);
      }
      return;
    }
    for (int g = from; g < to; g += 2) {
      int next = Math.min(g + 1, to - 1);
      long k0 = Lanes.getLong(keys + 8L * g);
      long k1 = Lanes.getLong(keys + 8L * next);
      long step = (long) (next - g) * BYTES;
      for (int r = 0; r < rows; r += 4) {
        int r1 = Math.min(r + 1, rows - 1);
        int r2 = Math.min(r + 2, rows - 1);
        int r3 = Math.min(r + 3, rows - 1);
        long base = scores + (long) g * BYTES;
        fourByTwo(
            Lanes.getLong(q + 8L * r),
            Lanes.getLong(q + 8L * r1),
            Lanes.getLong(q + 8L * r2),
            Lanes.getLong(q + 8L * r3),
            k0,
            k1,
            kDim,
            base + r * stride,
            base + r1 * stride,
            base + r2 * stride,
            base + r3 * stride,
            step);
      }
    }
  }

  private static void oneByFour(
      long q, long k0, long k1, long k2, long k3, int kDim, long s0, long s1, long s2, long s3) {
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    FloatVector c = Lanes.zero();
    FloatVector d = Lanes.zero();
    for (int i = 0; i < kDim; i++) {
      FloatVector v = FloatVector.broadcast(Lanes.F32, Lanes.get(q + (long) i * Float.BYTES));
      long at = (long) i * BYTES;
      a = Lanes.load(k0 + at).fma(v, a);
      b = Lanes.load(k1 + at).fma(v, b);
      c = Lanes.load(k2 + at).fma(v, c);
      d = Lanes.load(k3 + at).fma(v, d);
    }
    Lanes.store(a, s0);
    Lanes.store(b, s1);
    Lanes.store(c, s2);
    Lanes.store(d, s3);
  }

  private static void fourByTwo(
      long q0,
      long q1,
      long q2,
      long q3,
      long k0,
      long k1,
      int kDim,
      long s0,
      long s1,
      long s2,
      long s3,
      long step) {
    FloatVector a0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    FloatVector b0 = Lanes.zero();
    FloatVector b1 = Lanes.zero();
    FloatVector c0 = Lanes.zero();
    FloatVector c1 = Lanes.zero();
    FloatVector d0 = Lanes.zero();
    FloatVector d1 = Lanes.zero();
    for (int i = 0; i < kDim; i++) {
      FloatVector x = Lanes.load(k0 + (long) i * BYTES);
      FloatVector y = Lanes.load(k1 + (long) i * BYTES);
      long at = (long) i * Float.BYTES;
      FloatVector v = FloatVector.broadcast(Lanes.F32, Lanes.get(q0 + at));
      a0 = x.fma(v, a0);
      a1 = y.fma(v, a1);
      v = FloatVector.broadcast(Lanes.F32, Lanes.get(q1 + at));
      b0 = x.fma(v, b0);
      b1 = y.fma(v, b1);
      v = FloatVector.broadcast(Lanes.F32, Lanes.get(q2 + at));
      c0 = x.fma(v, c0);
      c1 = y.fma(v, c1);
      v = FloatVector.broadcast(Lanes.F32, Lanes.get(q3 + at));
      d0 = x.fma(v, d0);
      d1 = y.fma(v, d1);
    }
    a0.intoMemorySegment(Lanes.ALL, s0, Lanes.ORDER);
    a1.intoMemorySegment(Lanes.ALL, s0 + step, Lanes.ORDER);
    b0.intoMemorySegment(Lanes.ALL, s1, Lanes.ORDER);
    b1.intoMemorySegment(Lanes.ALL, s1 + step, Lanes.ORDER);
    c0.intoMemorySegment(Lanes.ALL, s2, Lanes.ORDER);
    c1.intoMemorySegment(Lanes.ALL, s2 + step, Lanes.ORDER);
    d0.intoMemorySegment(Lanes.ALL, s3, Lanes.ORDER);
    d1.intoMemorySegment(Lanes.ALL, s3 + step, Lanes.ORDER);
  }

  /**
   * {@code out[r, d] = Σ_p weights[r, p] · values[p, d]} over positions {@code from … to-1}.
   *
   * @param weights first row's weight of position 0; a row is {@code stride} bytes
   * @param values addresses of the value rows, as longs in memory
   * @param vectors vectors per value row
   * @param out first output row; a row is {@code outStride} bytes
   */
  static void outputs(
      long weights,
      long stride,
      int rows,
      long values,
      int from,
      int to,
      int vectors,
      long out,
      long outStride) {
    if (rows == 1) {
      for (int v = 0; v < vectors; v += 4) {
        long at0 = (long) v * BYTES;
        long at1 = (long) Math.min(v + 1, vectors - 1) * BYTES;
        long at2 = (long) Math.min(v + 2, vectors - 1) * BYTES;
        long at3 = (long) Math.min(v + 3, vectors - 1) * BYTES;
        oneRow(weights, values, from, to, at0, at1, at2, at3, out);
      }
      return;
    }
    for (int r = 0; r < rows; r += 4) {
      int r1 = Math.min(r + 1, rows - 1);
      int r2 = Math.min(r + 2, rows - 1);
      int r3 = Math.min(r + 3, rows - 1);
      for (int v = 0; v < vectors; v += 2) {
        long at = (long) v * BYTES;
        fourRows(
            weights + r * stride,
            weights + r1 * stride,
            weights + r2 * stride,
            weights + r3 * stride,
            values,
            from,
            to,
            at,
            v + 1 < vectors ? BYTES : 0,
            out + at + r * outStride,
            out + at + r1 * outStride,
            out + at + r2 * outStride,
            out + at + r3 * outStride);
      }
    }
  }

  private static void oneRow(
      long weights,
      long values,
      int from,
      int to,
      long at0,
      long at1,
      long at2,
      long at3,
      long out) {
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    FloatVector c = Lanes.zero();
    FloatVector d = Lanes.zero();
    for (int p = from; p < to; p++) {
      long row = Lanes.getLong(values + 8L * p);
      FloatVector w = FloatVector.broadcast(Lanes.F32, Lanes.get(weights + 4L * p));
      a = Lanes.load(row + at0).fma(w, a);
      b = Lanes.load(row + at1).fma(w, b);
      c = Lanes.load(row + at2).fma(w, c);
      d = Lanes.load(row + at3).fma(w, d);
    }
    Lanes.store(a, out + at0);
    Lanes.store(b, out + at1);
    Lanes.store(c, out + at2);
    Lanes.store(d, out + at3);
  }

  private static void fourRows(
      long w0,
      long w1,
      long w2,
      long w3,
      long values,
      int from,
      int to,
      long at,
      long step,
      long o0,
      long o1,
      long o2,
      long o3) {
    FloatVector a0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    FloatVector b0 = Lanes.zero();
    FloatVector b1 = Lanes.zero();
    FloatVector c0 = Lanes.zero();
    FloatVector c1 = Lanes.zero();
    FloatVector d0 = Lanes.zero();
    FloatVector d1 = Lanes.zero();
    for (int p = from; p < to; p++) {
      long row = Lanes.getLong(values + 8L * p) + at;
      FloatVector x = Lanes.load(row);
      FloatVector y = Lanes.load(row + step);
      long weight = 4L * p;
      FloatVector w = FloatVector.broadcast(Lanes.F32, Lanes.get(w0 + weight));
      a0 = x.fma(w, a0);
      a1 = y.fma(w, a1);
      w = FloatVector.broadcast(Lanes.F32, Lanes.get(w1 + weight));
      b0 = x.fma(w, b0);
      b1 = y.fma(w, b1);
      w = FloatVector.broadcast(Lanes.F32, Lanes.get(w2 + weight));
      c0 = x.fma(w, c0);
      c1 = y.fma(w, c1);
      w = FloatVector.broadcast(Lanes.F32, Lanes.get(w3 + weight));
      d0 = x.fma(w, d0);
      d1 = y.fma(w, d1);
    }
    a0.intoMemorySegment(Lanes.ALL, o0, Lanes.ORDER);
    a1.intoMemorySegment(Lanes.ALL, o0 + step, Lanes.ORDER);
    b0.intoMemorySegment(Lanes.ALL, o1, Lanes.ORDER);
    b1.intoMemorySegment(Lanes.ALL, o1 + step, Lanes.ORDER);
    c0.intoMemorySegment(Lanes.ALL, o2, Lanes.ORDER);
    c1.intoMemorySegment(Lanes.ALL, o2 + step, Lanes.ORDER);
    d0.intoMemorySegment(Lanes.ALL, o3, Lanes.ORDER);
    d1.intoMemorySegment(Lanes.ALL, o3 + step, Lanes.ORDER);
  }

  /** {@code x = x · factor} over whole vectors. */
  static void scale(long x, float factor, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = x + (long) i * BYTES;
      Lanes.store(Lanes.load(at).mul(factor), at);
    }
  }

  /** {@code x[i] += slope · (first + i)}. */
  static void addSlope(long x, float slope, int first, int vectors) {
    FloatVector lane = Lanes.zero().addIndex(1);
    for (int i = 0; i < vectors; i++) {
      long at = x + (long) i * BYTES;
      FloatVector distance = lane.add((float) (first + i * Lanes.COUNT));
      Lanes.store(Lanes.load(at).add(distance.mul(slope)), at);
    }
  }

  /** {@code x = x · a + y · b} over whole vectors. */
  static void blend(long x, float a, long y, float b, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * BYTES;
      FloatVector kept = Lanes.load(x + at).mul(a);
      Lanes.store(Lanes.load(y + at).mul(b).add(kept), x + at);
    }
  }
}
