package org.fusionc.frontend.safetensors;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Produces the elements of random tensors, a chunk at a time. What a chunk holds depends on the
 * seed, the tensor's name and the chunk's number alone, so that neither the tensors' order nor the
 * number of threads shows in a file.
 *
 * <p>A normal number is the sum of eight random bytes, which is near enough to normal (its tails
 * end at 4.9 standard deviations) for weights that mean nothing. It has only 2,041 values, so each
 * is converted to the dtype once, and an element costs one step of a generator and one look into a
 * table. Not thread-safe: each thread has its own.
 */
final class ChunkFiller {
  /** Elements a chunk; part of what a seed means, so changing it changes every checkpoint. */
  static final int CHUNK = 1 << 20;

  private static final int LARGEST_SUM = 8 * 255;
  private static final double SUM_DEVIATION = Math.sqrt(8 * (256 * 256 - 1) / 12.0);
  private static final long EVEN_BYTES = 0x00FF00FF00FF00FFL;
  private static final long SUM_OF_LANES = 0x0001000100010001L;
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private final long seed;
  private final StoredDtype dtype;
  private final int[] table;
  private final int one;
  private final short[] shorts;
  private final int[] ints;
  private final ByteBuffer bytes;

  /**
   * @param dtype F32, F16 or BF16
   * @param deviation of normal elements
   */
  ChunkFiller(long seed, StoredDtype dtype, double deviation) {
    this.seed = seed;
    this.dtype = dtype;
    this.table = new int[LARGEST_SUM + 1];
    for (int sum = 0; sum <= LARGEST_SUM; sum++) {
      table[sum] = encode((float) ((sum - LARGEST_SUM / 2) / SUM_DEVIATION * deviation));
    }
    this.one = encode(1);
    this.shorts = new short[dtype == StoredDtype.F32 ? 0 : CHUNK];
    this.ints = new int[dtype == StoredDtype.F32 ? CHUNK : 0];
    this.bytes = ByteBuffer.allocateDirect(CHUNK * dtype.bits() / 8).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The elements of a chunk as the file holds them; valid until the next call.
   *
   * @param chunk its number in the tensor
   * @param count how many of its elements the tensor has
   */
  ByteBuffer fill(RandomTensor tensor, long chunk, int count) {
    switch (tensor.fill()) {
      case NORMAL -> normal(mix(mix(seed) ^ mix(hash(tensor.name())) ^ mix(~chunk)), count);
      case ONES -> constant(one, count);
      case ZEROS -> constant(0, count);
    }
    bytes.clear();
    if (dtype == StoredDtype.F32) {
      bytes.asIntBuffer().put(ints, 0, count);
    } else {
      bytes.asShortBuffer().put(shorts, 0, count);
    }
    return bytes.limit(count * dtype.bits() / 8);
  }

  private void normal(long start, int count) {
    long state = start;
    if (dtype == StoredDtype.F32) {
      for (int i = 0; i < count; i++) {
        state += GOLDEN_GAMMA;
        ints[i] = table[sumOfBytes(mix(state))];
      }
    } else {
      for (int i = 0; i < count; i++) {
        state += GOLDEN_GAMMA;
        shorts[i] = (short) table[sumOfBytes(mix(state))];
      }
    }
  }

  private void constant(int encoded, int count) {
    if (dtype == StoredDtype.F32) {
      Arrays.fill(ints, 0, count, encoded);
    } else {
      Arrays.fill(shorts, 0, count, (short) encoded);
    }
  }

  private int encode(float value) {
    return switch (dtype) {
      case F32 -> Float.floatToRawIntBits(value);
      case F16 -> Float.floatToFloat16(value);
      case BF16 -> roundToBf16(value);
      default -> throw new IllegalArgumentException(dtype + " is not a dtype of random weights");
    };
  }

  /** To the nearest, ties to even; the value is finite. */
  private static int roundToBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16;
  }

  private static int sumOfBytes(long random) {
    long pairs = (random & EVEN_BYTES) + ((random >>> 8) & EVEN_BYTES);
    return (int) ((pairs * SUM_OF_LANES) >>> 48);
  }

  /**
   * SplitMix64's output function (Steele, Lea and Flood, OOPSLA 2014, variant 13 of Stafford's).
   */
  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** FNV-1a over the name's UTF-16 units. */
  private static long hash(String name) {
    long hash = 0xCBF29CE484222325L;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ name.charAt(i)) * 0x100000001B3L;
    }
    return hash;
  }
}
