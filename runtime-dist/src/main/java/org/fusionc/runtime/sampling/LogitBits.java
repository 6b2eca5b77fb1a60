package org.fusionc.runtime.sampling;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/**
 * A row of logits by their bits, to find the largest of them. A JVM compares integers by the
 * vector, and floats one by one, since those have NaN and two zeros: with a hundred thousand tokens
 * and many sequences that is the difference between nothing and a part of each step.
 *
 * <p>Not safe for use by several threads, since it keeps its memory.
 */
final class LogitBits {
  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Logits whose largest is looked for at a time; it is then searched in one such part. */
  private static final int PART = 2048;

  private static final int MAGNITUDE = 0x7FFF_FFFF;
  private static final int INFINITY = 0x7F80_0000;

  private int[] bits = new int[0];
  private int[] partKeys = new int[0];
  private int count;
  private float most;

  /** What is ordered from here on equals the largest. */
  private int least;

  /** Takes up f32[V], little-endian and contiguous. */
  void read(MemorySegment row) {
    count = Math.toIntExact(row.byteSize() / Float.BYTES);
    int parts = Math.ceilDiv(count, PART);
    if (bits.length < count) {
      bits = new int[count];
      partKeys = new int[parts];
    }
    MemorySegment.copy(row, I32, 0, bits, 0, count);
    int key = ordered(Float.floatToRawIntBits(Float.NEGATIVE_INFINITY));
    int magnitude = 0;
    for (int part = 0; part < parts; part++) {
      int from = part * PART;
      int to = Math.min(count, from + PART);
      partKeys[part] = key(bits, from, to);
      key = Math.max(key, partKeys[part]);
      magnitude = Math.max(magnitude, magnitude(bits, from, to));
    }
    most = magnitude > INFINITY ? Float.NaN : Float.intBitsToFloat(ordered(key));
    // The zeros are equal, though one comes before the other.
    least = key == 0 ? -1 : key;
  }

  /** Takes up the first {@code count} of some on the heap. */
  void read(float[] logits, int count) {
    read(MemorySegment.ofArray(logits).asSlice(0, (long) count * Float.BYTES));
  }

  /**
   * Refuses logits that nothing can be chosen by.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if one is NaN or +infinity, or none is
   *     finite
   */
  void checkUsable() {
    if (Float.isFinite(most)) {
      return;
    }
    throw Diagnostic.failed(
            Location.unknown(),
            "the model gave no usable logits: " + problem(),
            "the weights may be damaged, or a number format overflowed; compare with --backend"
                + " interp")
        .exception();
  }

  private String problem() {
    for (int id = 0; id < count; id++) {
      float logit = Float.intBitsToFloat(bits[id]);
      if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY) {
        return "the logit of token " + id + " is " + (Float.isNaN(logit) ? "NaN" : "infinite");
      }
    }
    return count == 0 ? "there are no logits" : "no logit is finite";
  }

  /** The largest; NaN if there is one, -infinity if there are none. */
  float most() {
    return most;
  }

  /** The lowest id among those with the largest logit, which is finite. */
  int first() {
    return next(0);
  }

  /** All ids with the largest logit, which is finite, in order. */
  int[] all() {
    return IntStream.iterate(next(0), id -> id < count, id -> next(id + 1)).toArray();
  }

  /** The first such id from {@code id} on; the count if there is none. */
  private int next(int id) {
    int from = id;
    while (from < count) {
      int part = from / PART;
      int to = Math.min(count, (part + 1) * PART);
      if (partKeys[part] >= least) {
        for (int i = from; i < to; i++) {
          if (ordered(bits[i]) >= least) {
            return i;
          }
        }
      }
      from = to;
    }
    return count;
  }

  /** Integers that are ordered as the floats with such bits are, NaN apart; its own inverse. */
  private static int ordered(int bits) {
    return bits ^ ((bits >> 31) & MAGNITUDE);
  }

  // These loops are all that the compiler needs to use vectors; much else in them, and it does not.

  private static int key(int[] bits, int from, int to) {
    int most = Integer.MIN_VALUE;
    for (int i = from; i < to; i++) {
      most = Math.max(most, bits[i] ^ ((bits[i] >> 31) & MAGNITUDE));
    }
    return most;
  }

  private static int magnitude(int[] bits, int from, int to) {
    int most = 0;
    for (int i = from; i < to; i++) {
      most = Math.max(most, bits[i] & MAGNITUDE);
    }
    return most;
  }
}
