package org.fusionc.runtime.exec;

import java.util.Arrays;
import java.util.Optional;

/**
 * Hands out the pages of the KV cache. The same ids hold on every stage, since a session's tokens
 * pass all of them.
 */
final class PageTable {
  private final int pageTokens;
  private final int[] free;
  private int count;

  PageTable(int pages, int pageTokens) {
    this.pageTokens = pageTokens;
    free = new int[pages];
    for (int i = 0; i < pages; i++) {
      free[i] = pages - 1 - i;
    }
    count = pages;
  }

  /** Pages for so many positions; empty if there are not enough now. */
  Optional<int[]> take(int positions) {
    int needed = Math.ceilDiv(positions, pageTokens);
    if (needed > count) {
      return Optional.empty();
    }
    var pages = new int[needed];
    for (int i = 0; i < needed; i++) {
      pages[i] = free[--count];
    }
    return Optional.of(pages);
  }

  void give(int[] pages) {
    System.arraycopy(pages, 0, free, count, pages.length);
    count += pages.length;
  }

  /** How many pages nobody holds. */
  int free() {
    return count;
  }

  @Override
  public String toString() {
    return count + " free: " + Arrays.toString(Arrays.copyOf(free, count));
  }
}
