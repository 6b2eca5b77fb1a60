package org.fusionc.runtime.sampling;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * What a model says of a sequence's next token: the logits of all tokens, or of those that can be
 * chosen. The largest token alone is what greedy decoding needs, and a hundred thousand others
 * would take longer on their way from another machine than the model takes for a token.
 */
public sealed interface Logits {
  /** The layout of logits in memory. */
  ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * All of them.
   *
   * @param values f32[V], little-endian and contiguous
   */
  record Row(MemorySegment values) implements Logits {
    int count() {
      return Math.toIntExact(values.byteSize() / Float.BYTES);
    }

    /** A copy on the heap. */
    public float[] toArray() {
      return values.toArray(F32);
    }
  }

  /**
   * The largest, from the largest down, the lower id first among equals. If one is there, then so
   * are all that equal it.
   *
   * @param ids distinct
   * @param values the logits of these, all finite but perhaps the last ones, which may be -infinity
   */
  record Best(int[] ids, float[] values) implements Logits, Ranked {
    public Best {
      if (ids.length == 0 || ids.length != values.length) {
        throw new IllegalArgumentException(ids.length + " ids of " + values.length + " logits");
      }
    }

    @Override
    public int count() {
      return ids.length;
    }

    @Override
    public int id(int rank) {
      return ids[rank];
    }

    @Override
    public float score(int rank) {
      return values[rank];
    }
  }

  /**
   * The {@code enough} largest of a row and what equals the last of them; the row itself if one is
   * NaN or +infinity, none is finite, or so many equal each other that the row is shorter.
   *
   * @param enough at least 1
   */
  static Logits best(Row row, int enough) {
    return enough == 1 ? best(row) : bestOf(row, enough);
  }

  private static Logits best(Row row) {
    var bits = new LogitBits();
    bits.read(row.values());
    int[] ids = Float.isFinite(bits.most()) ? bits.all() : new int[0];
    if (ids.length == 0 || ids.length >= row.count() / 2) {
      return row;
    }
    var values = new float[ids.length];
    Arrays.fill(values, bits.most());
    return new Best(ids, values);
  }

  private static Logits bestOf(Row row, int enough) {
    var scores = row.toArray();
    var bits = new LogitBits();
    bits.read(row.values());
    if (enough >= scores.length / 2 || !Float.isFinite(bits.most())) {
      return row;
    }
    float least = nth(scores, enough);
    var found = new float[2 * enough];
    var foundIds = new int[found.length];
    int count = 0;
    for (int id = 0; id < scores.length; id++) {
      if (scores[id] >= least) {
        if (count == found.length) {
          found = Arrays.copyOf(found, 2 * count);
          foundIds = Arrays.copyOf(foundIds, 2 * count);
        }
        foundIds[count] = id;
        found[count++] = scores[id];
      }
    }
    if (count >= scores.length / 2) {
      return row;
    }
    var ranking = new Ranking(found, count);
    var ids = new int[count];
    var values = new float[count];
    for (int rank = 0; rank < count; rank++) {
      ids[rank] = foundIds[ranking.id(rank)];
      values[rank] = ranking.score(rank);
    }
    return new Best(ids, values);
  }

  /** The n-th largest: the smallest of the n that are kept while the others pass by. */
  private static float nth(float[] scores, int n) {
    var kept = Arrays.copyOf(scores, n);
    for (int i = n / 2 - 1; i >= 0; i--) {
      sink(kept, i);
    }
    for (int i = n; i < scores.length; i++) {
      if (scores[i] > kept[0]) {
        kept[0] = scores[i];
        sink(kept, 0);
      }
    }
    return kept[0];
  }

  /** Mends a heap, whose first is the least. */
  private static void sink(float[] heap, int start) {
    int at = start;
    for (int child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[at] <= heap[child]) {
        return;
      }
      float swap = heap[at];
      heap[at] = heap[child];
      heap[child] = swap;
      at = child;
    }
  }
}
