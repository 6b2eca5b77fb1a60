package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * Native buffers of exactly the size asked for, between guard bytes: {@link #checkGuards} finds a
 * write past either end. A read past the end would find NaN bytes.
 */
final class Buffers implements AutoCloseable {

  private static final int GUARD = 256;
  private static final byte PATTERN = (byte) 0xFF;

  private final Arena arena = Arena.ofShared();
  private final Random random;
  private final java.util.List<MemorySegment> all = new java.util.ArrayList<>();

  Buffers(long seed) {
    random = new Random(seed);
  }

  /** A buffer filled with NaN bytes. */
  MemorySegment bytes(long size) {
    MemorySegment whole = arena.allocate(size + 2 * GUARD, 64);
    whole.fill(PATTERN);
    all.add(whole);
    return whole.asSlice(GUARD, size);
  }

  MemorySegment empty(long elements) {
    return bytes(elements * Float.BYTES);
  }

  MemorySegment of(float... values) {
    MemorySegment segment = empty(values.length);
    MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
    return segment;
  }

  MemorySegment of(int... values) {
    MemorySegment segment = empty(values.length);
    MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_INT_UNALIGNED, 0, values.length);
    return segment;
  }

  float[] gaussian(int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return values;
  }

  MemorySegment random(int count) {
    return of(gaussian(count, 1));
  }

  /** Random weights stored in a format. */
  MemorySegment random(int count, FloatFormat format) {
    float[] values = gaussian(count, 0.5);
    MemorySegment segment = bytes((long) count * format.bytes());
    for (int i = 0; i < count; i++) {
      switch (format) {
        case F32 ->
            segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) i * Float.BYTES, values[i]);
        case F16 ->
            segment.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                (long) i * Short.BYTES,
                Float.floatToFloat16(values[i]));
        case BF16 ->
            segment.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                (long) i * Short.BYTES,
                (short) (Float.floatToRawIntBits(values[i]) >>> 16));
      }
    }
    return segment;
  }

  Random random() {
    return random;
  }

  static float[] floats(MemorySegment segment) {
    return segment.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
  }

  /** The elements of a buffer in any format. */
  static float[] floats(MemorySegment segment, FloatFormat format) {
    int count = Math.toIntExact(segment.byteSize() / format.bytes());
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (format) {
            case F32 -> segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) i * Float.BYTES);
            case F16 ->
                Float.float16ToFloat(
                    segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, (long) i * Short.BYTES));
            case BF16 ->
                Float.intBitsToFloat(
                    segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, (long) i * Short.BYTES) << 16);
          };
    }
    return values;
  }

  void checkGuards() {
    for (MemorySegment whole : all) {
      for (int i = 0; i < GUARD; i++) {
        if (whole.get(ValueLayout.JAVA_BYTE, i) != PATTERN
            || whole.get(ValueLayout.JAVA_BYTE, whole.byteSize() - 1 - i) != PATTERN) {
          throw new AssertionError("a kernel wrote outside of its buffer");
        }
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
