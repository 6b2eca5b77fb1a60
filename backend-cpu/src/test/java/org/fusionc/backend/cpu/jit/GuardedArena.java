package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fusionc.backend.cpu.x86.Pages;

/**
 * Gives memory that ends where a page begins that nobody may touch: a read past the end, even of a
 * byte, ends the process.
 */
public final class GuardedArena implements Arena {
  private final Arena arena = Arena.ofShared();

  @Override
  public MemorySegment allocate(long bytes, long alignment) {
    long size = (bytes + Pages.SIZE - 1) / Pages.SIZE * Pages.SIZE;
    var pages = Pages.map(size + Pages.SIZE, arena);
    Pages.protect(pages.asSlice(size, Pages.SIZE), Pages.Access.NOTHING);
    long at = (size - bytes) / alignment * alignment;
    return pages.asSlice(at, bytes);
  }

  public MemorySegment floats(float... values) {
    var segment = allocate(4L * values.length, 4);
    MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT, 0, values.length);
    return segment;
  }

  @Override
  public MemorySegment.Scope scope() {
    return arena.scope();
  }

  @Override
  public void close() {
    arena.close();
  }
}
