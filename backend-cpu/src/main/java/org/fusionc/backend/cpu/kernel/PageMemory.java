package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import org.fusionc.backend.cpu.x86.Pages;

/**
 * Memory for the pages of a cache, handed out one after another. Where the cache may become large,
 * it comes in large pages of the system, since each fault on first touch costs a prefill dearly.
 */
final class PageMemory {
  /** Bytes of a large page. */
  private static final long LARGE = 2 << 20;

  /** Caches that may grow beyond it get large pages. */
  private static final long SMALL = LARGE / 2;

  private static final long ALIGNMENT = 64;

  private final Arena arena;
  private final long most;
  private long next;
  private long end;

  /**
   * None yet.
   *
   * @param arena frees it
   * @param most bytes that will be taken at most
   */
  PageMemory(Arena arena, long most) {
    this.arena = arena;
    this.most = most;
  }

  /** The address of so many bytes, all 0. */
  long take(long bytes) {
    if (most < SMALL || !Pages.isSupported()) {
      return arena.allocate(bytes, ALIGNMENT).address();
    }
    long size = Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    if (next + size > end) {
      long whole = Math.ceilDiv(size, LARGE) * LARGE;
      // A mapping may begin anywhere; what lies before the first large page is never touched.
      long mapped = Pages.mapLarge(whole + LARGE, arena).address();
      next = Math.ceilDiv(mapped, LARGE) * LARGE;
      end = next + whole;
    }
    long address = next;
    next += size;
    return address;
  }
}
