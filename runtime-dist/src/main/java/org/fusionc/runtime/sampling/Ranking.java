package org.fusionc.runtime.sampling;

import java.util.Arrays;

/**
 * Tokens from the largest score down, the lower id first among equals; sorted only as far as asked.
 * A heap costs one pass over the vocabulary and then a logarithm for each rank, where sorting
 * 150,000 scores to use ten of them would cost more than a small model's layer.
 */
final class Ranking implements Ranked {
  private final float[] scores;
  private final long[] heap;
  private int left;
  private int[] ranked = new int[64];
  private int rankedCount;

  /**
   * @param scores none of them NaN
   */
  Ranking(float[] scores, int count) {
    this.scores = scores;
    heap = new long[count];
    left = count;
    for (int i = 0; i < count; i++) {
      heap[i] = key(scores[i], i);
    }
    for (int i = count / 2 - 1; i >= 0; i--) {
      sink(i);
    }
  }

  @Override
  public int count() {
    return heap.length;
  }

  @Override
  public float score(int rank) {
    return scores[id(rank)];
  }

  @Override
  public int id(int rank) {
    while (rankedCount <= rank) {
      if (rankedCount == ranked.length) {
        ranked = Arrays.copyOf(ranked, 2 * rankedCount);
      }
      ranked[rankedCount++] = ~(int) heap[0];
      heap[0] = heap[--left];
      sink(0);
    }
    return ranked[rank];
  }

  /** Orders like the score, then like the id backwards. */
  private static long key(float score, int id) {
    int bits = Float.floatToIntBits(score + 0f); // turns -0 into 0
    int ordered = bits ^ ((bits >> 31) & 0x7fffffff);
    return ((long) ordered << 32) | (~id & 0xffffffffL);
  }

  private void sink(int start) {
    int at = start;
    while (true) {
      int child = 2 * at + 1;
      if (child >= left) {
        return;
      }
      if (child + 1 < left && heap[child + 1] > heap[child]) {
        child++;
      }
      if (heap[at] >= heap[child]) {
        return;
      }
      long swap = heap[at];
      heap[at] = heap[child];
      heap[child] = swap;
      at = child;
    }
  }
}
