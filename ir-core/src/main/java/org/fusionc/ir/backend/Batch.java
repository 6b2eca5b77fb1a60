package org.fusionc.ir.backend;

import java.util.List;

/**
 * A ragged batch: flat tokens of several sequences, and where each sequence's KV cache lies. The
 * run time form of {@code batch<T, S>}.
 *
 * @param sequence per token the row of its sequence in {@code pages}
 * @param position per token its position in its sequence, from 0; the tokens of one sequence stand
 *     in ascending order of position
 * @param outputs the token rows whose outputs are wanted
 * @param pages per sequence the ids of the pages that hold its cache, in order; page i holds
 *     positions {@code i · pageTokens} up to {@code (i+1) · pageTokens}
 */
public record Batch(int[] sequence, int[] position, int[] outputs, List<int[]> pages) {
  public Batch {
    if (sequence.length != position.length) {
      throw new IllegalArgumentException(
          sequence.length + " sequences for " + position.length + " positions");
    }
    pages = List.copyOf(pages);
  }

  public int tokens() {
    return sequence.length;
  }

  /** One sequence from {@code start} on whose last token's output is wanted. */
  public static Batch single(int start, int tokens, int[] pages) {
    var position = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      position[i] = start + i;
    }
    return new Batch(new int[tokens], position, new int[] {tokens - 1}, List.of(pages));
  }
}
