package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The innermost tiles of {@link Gemm}: accumulators in registers, along one piece of k.
 *
 * <p>A panel holds several rows, interleaved vector by vector, so that a tile needs two addresses
 * only. Everything here calls the Vector API directly, and accumulators come from memory even when
 * they are zero; see {@link Lanes} for why. A larger tile would need fewer loads for a product, but
 * the compiler gives up on it.
 */
final class GemmTile {

  /** Rows of x in the largest tile. */
  static final int ROWS = 4;

  /** Rows of weights, which are columns of the result, in every tile. */
  static final int COLUMNS = 4;

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final MemorySegment ALL = Lanes.ALL;
  private static final ByteOrder ORDER = Lanes.ORDER;
  private static final int BYTES = Lanes.BYTES;

  private GemmTile() {}

  /** How many rows the tile has that does {@code rows} rows: 2 or 4. */
  static int slots(int rows) {
    return rows <= 2 ? 2 : ROWS;
  }

  /**
   * Adds to the accumulators of a tile.
   *
   * @param x panel of {@link #slots} rows
   * @param rows 1 to {@link #ROWS}
   * @param w panel of four rows
   * @param steps the length of the piece in vectors
   * @param tile accumulators, {@code slots} by four vectors
   */
  static void run(long x, int rows, long w, int steps, long tile) {
    if (rows <= 2) {
      two(x, w, steps, tile);
    } else {
      four(x, w, steps, tile);
    }
  }

  private static void two(long x, long w, int steps, long tile) {
    FloatVector a00 = FloatVector.fromMemorySegment(F, ALL, tile, ORDER);
    FloatVector a01 = FloatVector.fromMemorySegment(F, ALL, tile + BYTES, ORDER);
    FloatVector a02 = FloatVector.fromMemorySegment(F, ALL, tile + 2L * BYTES, ORDER);
    FloatVector a03 = FloatVector.fromMemorySegment(F, ALL, tile + 3L * BYTES, ORDER);
    FloatVector a10 = FloatVector.fromMemorySegment(F, ALL, tile + 4L * BYTES, ORDER);
    FloatVector a11 = FloatVector.fromMemorySegment(F, ALL, tile + 5L * BYTES, ORDER);
    FloatVector a12 = FloatVector.fromMemorySegment(F, ALL, tile + 6L * BYTES, ORDER);
    FloatVector a13 = FloatVector.fromMemorySegment(F, ALL, tile + 7L * BYTES, ORDER);
    for (int i = 0; i < steps; i++) {
      long at = w + (long) i * (COLUMNS * (long) BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, at, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(F, ALL, at + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(F, ALL, at + 2L * BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(F, ALL, at + 3L * BYTES, ORDER);
      at = x + (long) i * (2L * BYTES);
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, at, ORDER);
      a00 = v.fma(b0, a00);
      a01 = v.fma(b1, a01);
      a02 = v.fma(b2, a02);
      a03 = v.fma(b3, a03);
      v = FloatVector.fromMemorySegment(F, ALL, at + BYTES, ORDER);
      a10 = v.fma(b0, a10);
      a11 = v.fma(b1, a11);
      a12 = v.fma(b2, a12);
      a13 = v.fma(b3, a13);
    }
    a00.intoMemorySegment(ALL, tile, ORDER);
    a01.intoMemorySegment(ALL, tile + BYTES, ORDER);
    a02.intoMemorySegment(ALL, tile + 2L * BYTES, ORDER);
    a03.intoMemorySegment(ALL, tile + 3L * BYTES, ORDER);
    a10.intoMemorySegment(ALL, tile + 4L * BYTES, ORDER);
    a11.intoMemorySegment(ALL, tile + 5L * BYTES, ORDER);
    a12.intoMemorySegment(ALL, tile + 6L * BYTES, ORDER);
    a13.intoMemorySegment(ALL, tile + 7L * BYTES, ORDER);
  }

  private static void four(long x, long w, int steps, long tile) {
    FloatVector a00 = FloatVector.fromMemorySegment(F, ALL, tile, ORDER);
    FloatVector a01 = FloatVector.fromMemorySegment(F, ALL, tile + BYTES, ORDER);
    FloatVector a02 = FloatVector.fromMemorySegment(F, ALL, tile + 2L * BYTES, ORDER);
    FloatVector a03 = FloatVector.fromMemorySegment(F, ALL, tile + 3L * BYTES, ORDER);
    FloatVector a10 = FloatVector.fromMemorySegment(F, ALL, tile + 4L * BYTES, ORDER);
    FloatVector a11 = FloatVector.fromMemorySegment(F, ALL, tile + 5L * BYTES, ORDER);
    FloatVector a12 = FloatVector.fromMemorySegment(F, ALL, tile + 6L * BYTES, ORDER);
    FloatVector a13 = FloatVector.fromMemorySegment(F, ALL, tile + 7L * BYTES, ORDER);
    FloatVector a20 = FloatVector.fromMemorySegment(F, ALL, tile + 8L * BYTES, ORDER);
    FloatVector a21 = FloatVector.fromMemorySegment(F, ALL, tile + 9L * BYTES, ORDER);
    FloatVector a22 = FloatVector.fromMemorySegment(F, ALL, tile + 10L * BYTES, ORDER);
    FloatVector a23 = FloatVector.fromMemorySegment(F, ALL, tile + 11L * BYTES, ORDER);
    FloatVector a30 = FloatVector.fromMemorySegment(F, ALL, tile + 12L * BYTES, ORDER);
    FloatVector a31 = FloatVector.fromMemorySegment(F, ALL, tile + 13L * BYTES, ORDER);
    FloatVector a32 = FloatVector.fromMemorySegment(F, ALL, tile + 14L * BYTES, ORDER);
    FloatVector a33 = FloatVector.fromMemorySegment(F, ALL, tile + 15L * BYTES, ORDER);
    for (int i = 0; i < steps; i++) {
      long at = w + (long) i * (COLUMNS * (long) BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, at, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(F, ALL, at + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(F, ALL, at + 2L * BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(F, ALL, at + 3L * BYTES, ORDER);
      at = x + (long) i * (4L * BYTES);
      FloatVector v = FloatVector.fromMemorySegment(F, ALL, at, ORDER);
      a00 = v.fma(b0, a00);
      a01 = v.fma(b1, a01);
      a02 = v.fma(b2, a02);
      a03 = v.fma(b3, a03);
      v = FloatVector.fromMemorySegment(F, ALL, at + BYTES, ORDER);
      a10 = v.fma(b0, a10);
      a11 = v.fma(b1, a11);
      a12 = v.fma(b2, a12);
      a13 = v.fma(b3, a13);
      v = FloatVector.fromMemorySegment(F, ALL, at + 2L * BYTES, ORDER);
      a20 = v.fma(b0, a20);
      a21 = v.fma(b1, a21);
      a22 = v.fma(b2, a22);
      a23 = v.fma(b3, a23);
      v = FloatVector.fromMemorySegment(F, ALL, at + 3L * BYTES, ORDER);
      a30 = v.fma(b0, a30);
      a31 = v.fma(b1, a31);
      a32 = v.fma(b2, a32);
      a33 = v.fma(b3, a33);
    }
    a00.intoMemorySegment(ALL, tile, ORDER);
    a01.intoMemorySegment(ALL, tile + BYTES, ORDER);
    a02.intoMemorySegment(ALL, tile + 2L * BYTES, ORDER);
    a03.intoMemorySegment(ALL, tile + 3L * BYTES, ORDER);
    a10.intoMemorySegment(ALL, tile + 4L * BYTES, ORDER);
    a11.intoMemorySegment(ALL, tile + 5L * BYTES, ORDER);
    a12.intoMemorySegment(ALL, tile + 6L * BYTES, ORDER);
    a13.intoMemorySegment(ALL, tile + 7L * BYTES, ORDER);
    a20.intoMemorySegment(ALL, tile + 8L * BYTES, ORDER);
    a21.intoMemorySegment(ALL, tile + 9L * BYTES, ORDER);
    a22.intoMemorySegment(ALL, tile + 10L * BYTES, ORDER);
    a23.intoMemorySegment(ALL, tile + 11L * BYTES, ORDER);
    a30.intoMemorySegment(ALL, tile + 12L * BYTES, ORDER);
    a31.intoMemorySegment(ALL, tile + 13L * BYTES, ORDER);
    a32.intoMemorySegment(ALL, tile + 14L * BYTES, ORDER);
    a33.intoMemorySegment(ALL, tile + 15L * BYTES, ORDER);
  }

  /** Sets the accumulators of a tile to zero. */
  static void clear(long tile) {
    for (int i = 0; i < ROWS * COLUMNS; i++) {
      Lanes.store(Lanes.zero(), tile + (long) i * BYTES);
    }
  }
}
