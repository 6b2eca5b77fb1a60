package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Working memory of one thread, kept between calls so that kernels allocate nothing once warm. A
 * kernel may hold one reservation at a time; the next one reuses the same bytes.
 */
public final class Scratch {

  private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);
  private static final long ALIGNMENT = 64;

  private MemorySegment memory = MemorySegment.NULL;
  private MemorySegment shared = MemorySegment.NULL;

  private MemorySegment outer = MemorySegment.NULL;

  private Scratch() {}

  /** The address of at least {@code bytes} bytes, 64-byte aligned, with arbitrary contents. */
  public static long reserve(long bytes) {
    return OF_THREAD.get().atLeast(bytes);
  }

  /** The same, beside it: for what the calling thread lends to all tasks of one kernel. */
  public static long reserveShared(long bytes) {
    Scratch scratch = OF_THREAD.get();
    scratch.shared = grown(scratch.shared, bytes);
    return scratch.shared.address();
  }

  /** The same, beside both: for what a kernel that is made of others keeps between them. */
  public static long reserveOuter(long bytes) {
    Scratch scratch = OF_THREAD.get();
    scratch.outer = grown(scratch.outer, bytes);
    return scratch.outer.address();
  }

  private long atLeast(long bytes) {
    memory = grown(memory, bytes);
    return memory.address();
  }

  private static MemorySegment grown(MemorySegment memory, long bytes) {
    if (memory.byteSize() >= bytes) {
      return memory;
    }
    long size = Math.max(bytes, memory.byteSize() + memory.byteSize() / 2);
    return Arena.ofAuto().allocate(size, ALIGNMENT);
  }
}
