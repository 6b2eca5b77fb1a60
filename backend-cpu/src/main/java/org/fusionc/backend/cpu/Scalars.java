package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.fusionc.ir.DType;

/** Reads and writes single elements of the dtypes that the general kernels compute with. */
final class Scalars {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);

  private Scalars() {}

  /** Whether elements of this dtype can be read and written here. */
  static boolean handles(DType dtype) {
    return dtype instanceof DType.Scalar scalar
        && switch (scalar) {
          case F32, F16, BF16, I64, I32, U8, BOOL -> true;
          default -> false;
        };
  }

  /** Element {@code i} as a double; f32 and all of i32 exactly. */
  static double get(MemorySegment data, DType dtype, long i) {
    return switch ((DType.Scalar) dtype) {
      case F32 -> data.get(FLOAT, 4 * i);
      case F16 -> Float.float16ToFloat(data.get(SHORT, 2 * i));
      case BF16 -> Float.intBitsToFloat(data.get(SHORT, 2 * i) << 16);
      case I64 -> data.get(LONG, 8 * i);
      case I32 -> data.get(INT, 4 * i);
      case U8 -> Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, i));
      case BOOL -> data.get(ValueLayout.JAVA_BYTE, i) == 0 ? 0 : 1;
      default -> throw new IllegalStateException(dtype + " elements are not computed with");
    };
  }

  static void set(MemorySegment data, DType dtype, long i, double value) {
    switch ((DType.Scalar) dtype) {
      case F32 -> data.set(FLOAT, 4 * i, (float) value);
      case F16 -> data.set(SHORT, 2 * i, Float.floatToFloat16((float) value));
      case BF16 -> data.set(SHORT, 2 * i, bf16((float) value));
      case I64 -> data.set(LONG, 8 * i, (long) value);
      case I32 -> data.set(INT, 4 * i, (int) value);
      case U8 -> data.set(ValueLayout.JAVA_BYTE, i, (byte) (long) value);
      case BOOL -> data.set(ValueLayout.JAVA_BYTE, i, (byte) (value == 0 ? 0 : 1));
      default -> throw new IllegalStateException(dtype + " elements are not computed with");
    }
  }

  private static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    // Round to nearest, ties to even.
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  static int[] ints(MemorySegment data, DType dtype, int count) {
    var out = new int[count];
    for (int i = 0; i < count; i++) {
      out[i] = (int) get(data, dtype, i);
    }
    return out;
  }
}
