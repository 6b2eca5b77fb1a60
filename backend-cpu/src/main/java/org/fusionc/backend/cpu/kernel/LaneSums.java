package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Adds up the lanes of four accumulators at once.
 *
 * <p>The sums are those of {@link Lanes#sum}, halving the vector each time, but accumulators that
 * are half done share a vector: half the instructions.
 */
final class LaneSums {

  private static final int HALF = Lanes.COUNT / 2;
  private static final int QUARTER = Lanes.COUNT / 4;

  private static final VectorShuffle<Float> SWAP_HALVES = Lanes.swap(HALF);
  private static final VectorShuffle<Float> SWAP_QUARTERS = Lanes.swap(QUARTER);
  private static final VectorMask<Float> ODD_HALF = lanesWith(HALF);
  private static final VectorMask<Float> ODD_QUARTERS = lanesWith(QUARTER);

  private LaneSums() {}

  private static VectorMask<Float> lanesWith(int bit) {
    long lanes = 0;
    for (int lane = 0; lane < Lanes.COUNT; lane++) {
      if ((lane & bit) != 0) {
        lanes |= 1L << lane;
      }
    }
    return VectorMask.fromLong(Lanes.F32, lanes);
  }

  /**
   * Writes the first {@code count} of four sums, plus the bias if its address is not 0.
   *
   * @param vectors four accumulators, one after the other; the first is overwritten
   */
  static void four(long vectors, long bias, long y, int count) {
    add(vectors);
    put(vectors, bias, y, 0);
    if (count > 1) {
      put(vectors + (long) HALF * Float.BYTES, bias, y, 1);
    }
    if (count > 2) {
      put(vectors + (long) QUARTER * Float.BYTES, bias, y, 2);
    }
    if (count > 3) {
      put(vectors + (long) (HALF + QUARTER) * Float.BYTES, bias, y, 3);
    }
  }

  private static void add(long vectors) {
    FloatVector a = Lanes.load(vectors);
    FloatVector b = Lanes.load(vectors + Lanes.BYTES);
    FloatVector c = Lanes.load(vectors + 2L * Lanes.BYTES);
    FloatVector d = Lanes.load(vectors + 3L * Lanes.BYTES);
    FloatVector ab = a.blend(b, ODD_HALF).add(b.blend(a, ODD_HALF).rearrange(SWAP_HALVES));
    FloatVector cd = c.blend(d, ODD_HALF).add(d.blend(c, ODD_HALF).rearrange(SWAP_HALVES));
    FloatVector sums =
        ab.blend(cd, ODD_QUARTERS).add(cd.blend(ab, ODD_QUARTERS).rearrange(SWAP_QUARTERS));
    if (QUARTER > 2) {
      sums = sums.add(sums.rearrange(Lanes.SWAP_2));
    }
    if (QUARTER > 1) {
      sums = sums.add(sums.rearrange(Lanes.SWAP_1));
    }
    Lanes.store(sums, vectors);
  }

  private static void put(long sum, long bias, long y, int index) {
    long at = (long) index * Float.BYTES;
    float value = Lanes.get(sum);
    Lanes.set(y + at, bias == 0 ? value : value + Lanes.get(bias + at));
  }
}
