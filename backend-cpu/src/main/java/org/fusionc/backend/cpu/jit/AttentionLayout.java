package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.kernel.FloatFormat;

/**
 * How keys and values lie for the kernels of attention, and in what steps they are read.
 *
 * <p>Positions come in groups of {@link #GROUP}: the keys of a group are [keyDim, GROUP], its
 * values [GROUP, valueStride], in {@code format}. Scores and weights are rows of {@link #CHUNK}
 * f32. The state of a row, {@link #stateBytes}, is its sum of values, padded to valueStride, then
 * the largest score and the sum of weights relative to it.
 */
record AttentionLayout(Target target, FloatFormat format, int keyDim, int valueDim) {
  /** Positions of a group. */
  static final int GROUP = 16;

  /** Positions of a chunk, which has a softmax of its own; chunks start at multiples of it. */
  static final int CHUNK = 256;

  /** Bytes of a row of scores. */
  static final int SCORE_BYTES = CHUNK * Float.BYTES;

  int valueStride() {
    return Math.ceilDiv(valueDim, GROUP) * GROUP;
  }

  int valueVectors() {
    return valueStride() / target.lanes();
  }

  /** Bytes of one element of all keys of a group. */
  int keyStepBytes() {
    return GROUP * format.bytes();
  }

  int valueRowBytes() {
    return valueStride() * format.bytes();
  }

  /** Where the largest score stands in a state; the sum of weights follows it. */
  int largestAt() {
    return valueStride() * Float.BYTES;
  }

  int stateBytes() {
    return largestAt() + 64;
  }

  int vectorsPerGroup() {
    return GROUP / target.lanes();
  }

  /** Bytes in which a vector of f32 is kept. */
  int vectorBytes() {
    return target.lanes() * format.bytes();
  }

  /** Rows in the largest tile of scores. */
  int mostRows() {
    return target.isAvx512() ? 12 : 6;
  }

  /** Groups in a tile of scores with so many rows, as far as registers go. */
  int groupsFor(int rows) {
    return target.isAvx512() ? Math.min(4, 24 / rows) : rows <= 2 ? 2 : 1;
  }

  /** Rows in the largest tile of values. */
  int mostValueRows() {
    return 6;
  }

  /** Vectors in a tile of values with so many rows. */
  int vectorsFor(int rows) {
    return target.isAvx512() || rows <= 2 ? 4 : 2;
  }
}
