package org.fusionc.runtime.stage;

import java.util.Optional;

/** Hands out the pages of a segment's cache to runs. Not for several threads. */
final class PagePool {
  private final int[] free;
  private int count;

  PagePool(int pages) {
    free = new int[pages];
    for (int i = 0; i < pages; i++) {
      free[i] = pages - 1 - i;
    }
    count = pages;
  }

  int free() {
    return count;
  }

  /** So many pages; empty if there are fewer. */
  Optional<int[]> take(int pages) {
    if (pages > count) {
      return Optional.empty();
    }
    var taken = new int[pages];
    for (int i = 0; i < pages; i++) {
      taken[i] = free[--count];
    }
    return Optional.of(taken);
  }

  void give(int[] pages) {
    System.arraycopy(pages, 0, free, count, pages.length);
    count += pages.length;
  }
}
