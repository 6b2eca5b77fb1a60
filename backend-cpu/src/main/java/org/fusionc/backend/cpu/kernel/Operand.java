package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Checks what a kernel was given, once, before it goes by addresses. */
public final class Operand {

  private Operand() {}

  /**
   * The address of a segment that is read.
   *
   * @throws IllegalArgumentException if it is not native, not alive, or holds fewer than {@code
   *     elements} elements
   */
  public static long input(String name, MemorySegment segment, long elements, FloatFormat format) {
    return address(name, segment, Math.multiplyExact(elements, format.bytes()));
  }

  /** The address of an f32 segment that is read. */
  public static long input(String name, MemorySegment segment, long elements) {
    return input(name, segment, elements, FloatFormat.F32);
  }

  /** The same; 0 if there is none. */
  public static long inputOrNone(String name, @Nullable MemorySegment segment, long elements) {
    return segment == null ? 0 : input(name, segment, elements);
  }

  /** The address of an f32 segment that is written. */
  public static long output(String name, MemorySegment segment, long elements) {
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException(name + " is written, but its segment is read-only");
    }
    return input(name, segment, elements);
  }

  /** The address of a segment of as many bytes, whatever they are. */
  public static long address(String name, MemorySegment segment, long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException(name + " has a negative size");
    }
    if (segment.byteSize() < bytes) {
      throw new IllegalArgumentException(
          name + " needs " + bytes + " bytes, but its segment has " + segment.byteSize());
    }
    if (!segment.isNative() && bytes > 0) {
      throw new IllegalArgumentException(name + " is on the Java heap; kernels need native memory");
    }
    if (!segment.scope().isAlive()) {
      throw new IllegalArgumentException(name + " has been freed");
    }
    return segment.address();
  }

  static void dimension(String name, long size) {
    if (size < 0) {
      throw new IllegalArgumentException(name + " is " + size + "; sizes are not negative");
    }
  }
}
