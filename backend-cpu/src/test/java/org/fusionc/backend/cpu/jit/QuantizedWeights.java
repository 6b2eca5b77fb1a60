package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.fusionc.ir.DType;

/** Random weights in the form that artifacts keep, and what they stand for. */
record QuantizedWeights(DType.Quantized type, int n, int k, MemorySegment stored, float[] values) {

  static QuantizedWeights random(GuardedArena arena, DType.Quantized type, int n, int k) {
    var random = new Random(31L * n + k);
    int groups = Math.ceilDiv(k, type.group());
    int padded = groups * type.group();
    long integerBytes = (long) n * padded * type.width() / 8;
    long scaleBytes = 2L * n * groups;
    var stored = arena.allocate(integerBytes + (type.asymmetric() ? 2 : 1) * scaleBytes, 1);
    float[] values = new float[n * k];
    for (int row = 0; row < n; row++) {
      for (int g = 0; g < groups; g++) {
        long at = integerBytes + 2L * ((long) row * groups + g);
        float scale = half(stored, at, random.nextFloat() * 0.1f + 0.01f);
        float minimum =
            type.asymmetric() ? half(stored, at + scaleBytes, random.nextFloat() - 0.7f) : 0;
        for (int i = 0; i < type.group(); i++) {
          int column = g * type.group() + i;
          if (column < k) {
            int q = integer(type, random);
            store(stored, type, (long) row * padded + column, q);
            values[row * k + column] = scale * q + minimum;
          } else {
            store(stored, type, (long) row * padded + column, 0);
          }
        }
      }
    }
    return new QuantizedWeights(type, n, k, stored, values);
  }

  /** What of each weight may cancel between its two parts, and leave its error. */
  double cancelling() {
    return type.asymmetric() ? 0.11 * ((1 << type.width()) - 1) + 0.7 : 0;
  }

  private static int integer(DType.Quantized type, Random random) {
    return switch (type.width()) {
      case 4 -> type.asymmetric() ? random.nextInt(16) : random.nextInt(16) - 8;
      default -> type.asymmetric() ? random.nextInt(256) : random.nextInt(255) - 127;
    };
  }

  private static void store(MemorySegment to, DType.Quantized type, long element, int q) {
    if (type.width() == 8) {
      to.set(ValueLayout.JAVA_BYTE, element, (byte) q);
      return;
    }
    int nibble = type.asymmetric() ? q : q + 8;
    byte both = to.get(ValueLayout.JAVA_BYTE, element / 2);
    to.set(
        ValueLayout.JAVA_BYTE, element / 2, (byte) (both | nibble << (element % 2 == 0 ? 0 : 4)));
  }

  private static float half(MemorySegment to, long at, float value) {
    short half = Float.floatToFloat16(value);
    to.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, half);
    return Float.float16ToFloat(half);
  }
}
