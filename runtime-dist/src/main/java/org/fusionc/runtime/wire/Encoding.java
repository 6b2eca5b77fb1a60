package org.fusionc.runtime.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.fusionc.ir.DType;
import org.fusionc.partitioner.WireFormat;
import org.fusionc.runtime.proto.WireEncoding;

/**
 * How rows of a tensor travel. Each row is encoded by itself, so that it is the same whatever
 * company it travels in. All but {@link #PLAIN} take {@code f32} and lose precision:
 *
 * <ul>
 *   <li>{@link #PLAIN}: the elements as they are, bit by bit.
 *   <li>{@link #F16}: to the nearest half: a relative error of at most 2⁻¹¹, or an absolute one of
 *       at most 2⁻²⁵ below 2⁻¹⁴; beyond 65519 the value becomes infinite.
 *   <li>{@link #BF16}: to the nearest bfloat16: a relative error of at most 2⁻⁸; what is nearer to
 *       2¹²⁸ than to the largest bfloat16 becomes infinite.
 *   <li>{@link #Q8}: blocks of 32 elements, the last of a row possibly shorter, each an f16 scale s
 *       and one byte per element: an absolute error of at most s/2, where s is at most m/127 · (1 +
 *       2⁻¹⁰) + 2⁻²⁴ for the largest magnitude m of the block. Magnitudes over 8.3 million are cut
 *       off there. A block with a NaN or an infinity becomes NaN throughout.
 * </ul>
 *
 * NaN stays NaN in all of them, infinities stay in all but Q8, and zero stays zero (in Q8 without
 * its sign).
 */
public enum Encoding {
  PLAIN(WireEncoding.PLAIN),
  F16(WireEncoding.F16),
  BF16(WireEncoding.BF16),
  Q8(WireEncoding.Q8);

  /** Elements per scale of Q8. */
  public static final int BLOCK = 32;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Elements that are converted at a time; the arrays for them stay in the first cache. */
  private static final int STEP = 2048;

  private final WireEncoding proto;

  Encoding(WireEncoding proto) {
    this.proto = proto;
  }

  /** How an edge's tensors of this dtype travel: all but {@code f32} are left as they are. */
  public static Encoding of(WireFormat format, DType dtype) {
    if (dtype != DType.Scalar.F32) {
      return PLAIN;
    }
    return switch (format) {
      case F32 -> PLAIN;
      case F16 -> F16;
      case BF16 -> BF16;
      case Q8 -> Q8;
    };
  }

  public WireEncoding proto() {
    return proto;
  }

  /** Bytes that a row of {@code width} elements takes on the wire. */
  public long rowBytes(DType.Scalar dtype, long width) {
    return switch (this) {
      case PLAIN -> Math.multiplyExact(width, dtype.bytes());
      case F16, BF16 -> 2 * width;
      case Q8 -> width + 2 * Math.ceilDiv(width, (long) BLOCK);
    };
  }

  /**
   * Encodes rows.
   *
   * @param from the elements of {@code rows} rows, each of {@code width} elements of {@code dtype}
   * @param to takes {@code rows · rowBytes(dtype, width)} bytes from its start
   * @throws IndexOutOfBoundsException if either is too short
   */
  public void encode(
      MemorySegment from, DType.Scalar dtype, long rows, long width, MemorySegment to) {
    requireFloats(dtype);
    long rowBytes = rowBytes(dtype, width);
    if (this == PLAIN) {
      MemorySegment.copy(from, 0, to, 0, rows * rowBytes);
      return;
    }
    var values = new float[(int) Math.min(STEP, width)];
    var halves = new short[values.length];
    var bytes = new byte[BLOCK];
    for (long row = 0; row < rows; row++) {
      long at = row * rowBytes;
      for (long done = 0; done < width; done += STEP) {
        int count = (int) Math.min(STEP, width - done);
        MemorySegment.copy(from, FLOAT, 4 * (row * width + done), values, 0, count);
        if (this == Q8) {
          for (int block = 0; block < count; block += BLOCK) {
            int length = Math.min(BLOCK, count - block);
            short scale = quantise(values, block, length, bytes);
            to.set(SHORT, at, scale);
            MemorySegment.copy(bytes, 0, to, ValueLayout.JAVA_BYTE, at + 2, length);
            at += 2 + length;
          }
        } else {
          if (this == F16) {
            toHalves(values, halves, count);
          } else {
            toBrain(values, halves, count);
          }
          MemorySegment.copy(halves, 0, to, SHORT, at, count);
          at += 2L * count;
        }
      }
    }
  }

  /**
   * Decodes rows that {@link #encode} wrote; any bytes are accepted.
   *
   * @param from {@code rows · rowBytes(dtype, width)} bytes
   * @param to takes {@code rows · width} elements of {@code dtype}
   * @throws IndexOutOfBoundsException if either is too short
   */
  public void decode(
      MemorySegment from, DType.Scalar dtype, long rows, long width, MemorySegment to) {
    requireFloats(dtype);
    long rowBytes = rowBytes(dtype, width);
    if (this == PLAIN) {
      MemorySegment.copy(from, 0, to, 0, rows * rowBytes);
      return;
    }
    var values = new float[(int) Math.min(STEP, width)];
    var halves = new short[values.length];
    var bytes = new byte[BLOCK];
    for (long row = 0; row < rows; row++) {
      long at = row * rowBytes;
      for (long done = 0; done < width; done += STEP) {
        int count = (int) Math.min(STEP, width - done);
        if (this == Q8) {
          for (int block = 0; block < count; block += BLOCK) {
            int length = Math.min(BLOCK, count - block);
            float scale = Float.float16ToFloat(from.get(SHORT, at));
            MemorySegment.copy(from, ValueLayout.JAVA_BYTE, at + 2, bytes, 0, length);
            for (int i = 0; i < length; i++) {
              values[block + i] = bytes[i] * scale;
            }
            at += 2 + length;
          }
        } else {
          MemorySegment.copy(from, SHORT, at, halves, 0, count);
          if (this == F16) {
            fromHalves(halves, values, count);
          } else {
            fromBrain(halves, values, count);
          }
          at += 2L * count;
        }
        MemorySegment.copy(values, 0, to, FLOAT, 4 * (row * width + done), count);
      }
    }
  }

  private void requireFloats(DType.Scalar dtype) {
    if (this != PLAIN && dtype != DType.Scalar.F32) {
      throw new IllegalArgumentException(this + " encodes f32, not " + dtype);
    }
  }

  private static void toHalves(float[] values, short[] halves, int count) {
    for (int i = 0; i < count; i++) {
      halves[i] = Float.floatToFloat16(values[i]);
    }
  }

  private static void fromHalves(short[] halves, float[] values, int count) {
    for (int i = 0; i < count; i++) {
      values[i] = Float.float16ToFloat(halves[i]);
    }
  }

  private static void toBrain(float[] values, short[] halves, int count) {
    for (int i = 0; i < count; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      int rounded = bits + 0x7fff + ((bits >>> 16) & 1);
      // Rounding could carry a NaN over into an infinity; it keeps its upper bits and stays quiet.
      int chosen = (bits & 0x7fffffff) > 0x7f800000 ? bits | 0x400000 : rounded;
      halves[i] = (short) (chosen >>> 16);
    }
  }

  private static void fromBrain(short[] halves, float[] values, int count) {
    for (int i = 0; i < count; i++) {
      values[i] = Float.intBitsToFloat(halves[i] << 16);
    }
  }

  /** Fills the first {@code length} bytes and gives the scale. */
  private static short quantise(float[] values, int from, int length, byte[] bytes) {
    int largest = 0;
    for (int i = 0; i < length; i++) {
      largest = Math.max(largest, Float.floatToRawIntBits(values[from + i]) & 0x7fffffff);
    }
    if (largest >= 0x7f800000) {
      java.util.Arrays.fill(bytes, 0, length, (byte) 1);
      return (short) 0x7e00;
    }
    float wanted = Float.intBitsToFloat(largest) / 127;
    short half = Float.floatToFloat16(wanted);
    // Rounded up, so that nothing is cut off; the largest half if it is beyond all of them.
    if (Float.float16ToFloat(half) < wanted) {
      half++;
    }
    if (half == 0x7c00) {
      half = 0x7bff;
    }
    float scale = Float.float16ToFloat(half);
    if (scale == 0) {
      java.util.Arrays.fill(bytes, 0, length, (byte) 0);
      return half;
    }
    for (int i = 0; i < length; i++) {
      float quotient = Math.clamp(values[from + i] / scale, -127f, 127f);
      // Adding 1.5 · 2²³ leaves no bits for a fraction: to the nearest integer, ties to even.
      bytes[i] = (byte) (int) (quotient + 12582912f - 12582912f);
    }
    return half;
  }
}
