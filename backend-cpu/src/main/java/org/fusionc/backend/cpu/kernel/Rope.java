package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Rotary position embedding. Cosines and sines are computed in f64 once per position and kept,
 * since every layer asks for the same ones.
 */
public final class Rope {
  private final float[] freqs;
  private final float scale;
  private final boolean interleaved;

  /** Per position the cosines, then the sines. */
  private volatile float[][] table = {};

  /**
   * @param freqs f32 [R], the angular frequencies
   * @param scale multiplies cosines and sines
   * @param interleaved pairs are (2i, 2i+1) rather than (i, i+R)
   */
  public Rope(float[] freqs, float scale, boolean interleaved) {
    this.freqs = freqs.clone();
    this.scale = scale;
    this.interleaved = interleaved;
  }

  /**
   * {@code y = rope(x)}; {@code y} may be {@code x}.
   *
   * @param x f32 [tokens, heads, dim]
   * @param position per token, not negative
   * @throws IllegalArgumentException if the pairs do not fit a head
   */
  public void run(
      ComputePool pool, MemorySegment x, MemorySegment y, int[] position, int heads, int dim) {
    if (2 * freqs.length > dim) {
      throw new IllegalArgumentException(
          "rope rotates " + freqs.length + " pairs, but a head has " + dim + " elements");
    }
    int tokens = position.length;
    long from = Operand.input("x", x, (long) tokens * heads * dim);
    long to = Operand.output("y", y, (long) tokens * heads * dim);
    int largest = -1;
    for (int p : position) {
      largest = Math.max(largest, p);
    }
    var rows = upTo(largest);
    pool.parallelFor(
        tokens,
        8,
        (first, end) -> {
          for (int t = (int) first; t < end; t++) {
            for (int h = 0; h < heads; h++) {
              long at = 4L * ((long) t * heads + h) * dim;
              rotate(rows[position[t]], from + at, to + at, dim);
            }
          }
        });
  }

  private void rotate(float[] row, long x, long y, int dim) {
    int pairs = freqs.length;
    int step = interleaved ? 2 : 1;
    long second = interleaved ? 4 : 4L * pairs;
    int whole = interleaved ? 0 : pairs - pairs % Lanes.COUNT;
    halves(row, x, y, whole, second);
    for (int i = whole; i < pairs; i++) {
      long at = 4L * step * i;
      float u = Lanes.get(x + at);
      float v = Lanes.get(x + at + second);
      float c = row[i];
      float s = row[pairs + i];
      Lanes.set(y + at, u * c - v * s);
      Lanes.set(y + at + second, v * c + u * s);
    }
    if (x != y) {
      for (int i = 2 * pairs; i < dim; i++) {
        Lanes.set(y + 4L * i, Lanes.get(x + 4L * i));
      }
    }
  }

  /** The first {@code count} pairs (i, i+R), whole vectors of them. */
  private static void halves(float[] row, long x, long y, int count, long second) {
    int pairs = row.length / 2;
    for (int i = 0; i < count; i += Lanes.COUNT) {
      long at = 4L * i;
      FloatVector u = Lanes.load(x + at);
      FloatVector v = Lanes.load(x + second + at);
      FloatVector c = FloatVector.fromArray(Lanes.F32, row, i);
      FloatVector s = FloatVector.fromArray(Lanes.F32, row, pairs + i);
      Lanes.store(u.mul(c).sub(v.mul(s)), y + at);
      Lanes.store(v.mul(c).add(u.mul(s)), y + second + at);
    }
  }

  /** The rows of all positions up to this one, computing those that are missing. */
  private synchronized float[][] upTo(int position) {
    var known = table;
    if (position < known.length) {
      return known;
    }
    var longer = Arrays.copyOf(known, Math.max(position + 1, 2 * known.length));
    for (int p = known.length; p < longer.length; p++) {
      var row = new float[2 * freqs.length];
      for (int i = 0; i < freqs.length; i++) {
        double angle = (double) p * freqs[i];
        row[i] = (float) (scale * Math.cos(angle));
        row[freqs.length + i] = (float) (scale * Math.sin(angle));
      }
      longer[p] = row;
    }
    table = longer;
    return longer;
  }
}
