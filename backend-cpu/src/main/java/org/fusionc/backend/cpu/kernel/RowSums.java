package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * Sums over a row. Stretches of 16 vectors are added up in f32, lane by lane, and the stretches in
 * f64, so the error does not grow with the row.
 */
final class RowSums {

  private static final int STRETCH = 16;

  private RowSums() {}

  static double sum(long x, int count) {
    return distance(x, 0f, count);
  }

  /** Σ (x - center). */
  static double distance(long x, float center, int count) {
    int vectors = count / Lanes.COUNT;
    double total = 0;
    for (int v = 0; v < vectors; v += STRETCH) {
      total += sumOf(x + (long) v * Lanes.BYTES, center, Math.min(STRETCH, vectors - v));
    }
    for (int i = vectors * Lanes.COUNT; i < count; i++) {
      total += (double) Lanes.get(x + (long) i * Float.BYTES) - center;
    }
    return total;
  }

  static double sumOfSquares(long x, int count) {
    return squaredDistance(x, 0f, count);
  }

  /** Σ (x - center)². */
  static double squaredDistance(long x, float center, int count) {
    int vectors = count / Lanes.COUNT;
    double total = 0;
    for (int v = 0; v < vectors; v += STRETCH) {
      total += squaresOf(x + (long) v * Lanes.BYTES, center, Math.min(STRETCH, vectors - v));
    }
    for (int i = vectors * Lanes.COUNT; i < count; i++) {
      double d = (double) Lanes.get(x + (long) i * Float.BYTES) - center;
      total += d * d;
    }
    return total;
  }

  /** The largest element; negative infinity of none, NaN if one is NaN. */
  static float max(long x, int count) {
    FloatVector largest = FloatVector.broadcast(Lanes.F32, Float.NEGATIVE_INFINITY);
    int vectors = count / Lanes.COUNT;
    for (int v = 0; v < vectors; v++) {
      largest = largest.max(Lanes.load(x + (long) v * Lanes.BYTES));
    }
    float result = Lanes.max(largest);
    for (int i = vectors * Lanes.COUNT; i < count; i++) {
      result = Math.max(result, Lanes.get(x + (long) i * Float.BYTES));
    }
    return result;
  }

  private static float sumOf(long x, float center, int vectors) {
    FloatVector sum = Lanes.zero();
    for (int v = 0; v < vectors; v++) {
      sum = sum.add(Lanes.load(x + (long) v * Lanes.BYTES).sub(center));
    }
    return Lanes.sum(sum);
  }

  private static float squaresOf(long x, float center, int vectors) {
    FloatVector sum = Lanes.zero();
    for (int v = 0; v < vectors; v++) {
      FloatVector d = Lanes.load(x + (long) v * Lanes.BYTES).sub(center);
      sum = d.fma(d, sum);
    }
    return Lanes.sum(sum);
  }
}
