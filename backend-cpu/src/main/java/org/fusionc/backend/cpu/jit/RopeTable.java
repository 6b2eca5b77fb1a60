package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/**
 * The cosines and sines of a rotary position embedding, computed in f64 once per position and kept
 * in native memory, since every layer asks for the same ones.
 *
 * <p>A position's row is the cosines of all pairs, then the sines. Where pairs are neighbours, it
 * has one cosine for each element, then one sine, negative for the first of a pair.
 */
public final class RopeTable {
  /** What a table is made of; equal ones can share it. */
  public record Key(List<Float> freqs, float scale, boolean interleaved) {
    public Key {
      freqs = List.copyOf(freqs);
    }
  }

  /** Positions that are computed together. */
  private static final int BLOCK = 64;

  private final float[] freqs;
  private final float scale;
  private final boolean interleaved;
  private final Arena arena = Arena.ofAuto();

  /** Blocks that there are; never moved, so kernels may read while others are added. */
  private volatile MemorySegment[] blocks = {};

  /** An empty table: {@code scale} multiplies cosines and sines of the angular frequencies. */
  public RopeTable(Key key) {
    freqs = new float[key.freqs.size()];
    for (int i = 0; i < freqs.length; i++) {
      freqs[i] = key.freqs.get(i);
    }
    scale = key.scale;
    interleaved = key.interleaved;
  }

  int pairs() {
    return freqs.length;
  }

  boolean interleaved() {
    return interleaved;
  }

  /** Computes what is missing for these positions, which are not negative. */
  void prepare(int[] positions) {
    int largest = -1;
    for (int position : positions) {
      largest = Math.max(largest, position);
    }
    if (largest / BLOCK >= blocks.length && largest >= 0) {
      extend(largest / BLOCK + 1);
    }
  }

  /** The address of a prepared position's row. */
  long row(int position) {
    return blocks[position / BLOCK].address() + (long) (position % BLOCK) * rowBytes();
  }

  private int rowBytes() {
    return (interleaved ? 4 : 2) * freqs.length * Float.BYTES;
  }

  private synchronized void extend(int count) {
    var known = blocks;
    if (known.length >= count) {
      return;
    }
    var longer = Arrays.copyOf(known, Math.max(count, known.length + known.length / 2));
    for (int block = known.length; block < longer.length; block++) {
      var memory = arena.allocate(Math.max(1, (long) BLOCK * rowBytes()), 64);
      for (int i = 0; i < BLOCK; i++) {
        fill(memory, (long) i * rowBytes(), block * BLOCK + i);
      }
      longer[block] = memory;
    }
    blocks = longer;
  }

  private void fill(MemorySegment memory, long at, int position) {
    int pairs = freqs.length;
    for (int i = 0; i < pairs; i++) {
      double angle = (double) position * freqs[i];
      float cosine = (float) (scale * Math.cos(angle));
      float sine = (float) (scale * Math.sin(angle));
      if (interleaved) {
        set(memory, at, 2 * i, cosine);
        set(memory, at, 2 * i + 1, cosine);
        set(memory, at, 2 * (pairs + i), -sine);
        set(memory, at, 2 * (pairs + i) + 1, sine);
      } else {
        set(memory, at, i, cosine);
        set(memory, at, pairs + i, sine);
      }
    }
  }

  private static void set(MemorySegment memory, long at, int index, float value) {
    memory.set(ValueLayout.JAVA_FLOAT, at + (long) index * Float.BYTES, value);
  }
}
