package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Cosines and sines of rotary embedding, position by position, computed once and kept.
 *
 * <p>The angle is the f32 product of position and frequency, as the models were trained with; its
 * cosine and sine are computed in f64, multiplied by the scale and rounded to f32. The tables grow
 * with the positions asked for, so all calls with one object must come from one thread at a time.
 */
public final class RopeTables {

  private final float[] freqs;
  private final double scale;
  private MemorySegment table = MemorySegment.NULL;
  private int positions;

  /**
   * @param freqs angular frequency per rotated pair
   * @param scale factor on cosines and sines, 1 for most models
   */
  public RopeTables(float[] freqs, double scale) {
    this.freqs = freqs.clone();
    this.scale = scale;
  }

  /** How many pairs of each head are rotated. */
  public int pairs() {
    return freqs.length;
  }

  /** Whether this is the table for these frequencies and this scale. */
  public boolean matches(float[] otherFreqs, double otherScale) {
    return scale == otherScale && Arrays.equals(freqs, otherFreqs);
  }

  /** The address of position 0's row, after making sure that all up to {@code last} are there. */
  long through(int last) {
    if (last >= positions) {
      int wanted = Math.max(last + 1, Math.max(256, Math.min(2 * positions, positions + 65_536)));
      // An automatic arena: a task still under way keeps no claim on the old table, but it is done.
      MemorySegment grown = Arena.ofAuto().allocate(rowBytes() * wanted, 64);
      MemorySegment.copy(table, 0, grown, 0, rowBytes() * positions);
      for (int position = positions; position < wanted; position++) {
        fill(grown, position);
      }
      table = grown;
      positions = wanted;
    }
    return table.address();
  }

  /** Bytes from one position's row to the next: cosines, then sines. */
  long rowBytes() {
    return 2L * freqs.length * Float.BYTES;
  }

  private void fill(MemorySegment target, int position) {
    long at = rowBytes() * position;
    for (int i = 0; i < freqs.length; i++) {
      double angle = (float) position * freqs[i];
      long cosine = at + (long) i * Float.BYTES;
      target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, cosine, (float) (scale * Math.cos(angle)));
      target.set(
          ValueLayout.JAVA_FLOAT_UNALIGNED,
          cosine + (long) freqs.length * Float.BYTES,
          (float) (scale * Math.sin(angle)));
    }
  }
}
