package org.fusionc.ir.backend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Literal;

/**
 * Elements of every scalar dtype: rounding to it, and reading and writing them in memory. Floating
 * values round to nearest even. {@code f16}, {@code bf16} and {@code f8e5m2} overflow to infinity;
 * {@code f8e4m3}, which has none, is limited to ±448. Integers wrap. Sub-byte elements lie two to a
 * byte, the first in the low bits.
 */
public final class Elements {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final double F8E4M3_MAX = 448;

  private Elements() {}

  /** Bytes of {@code count} elements, the last one padded to a whole byte. */
  public static long bytes(Scalar dtype, long count) {
    return Math.ceilDiv(Math.multiplyExact(count, (long) dtype.bits()), 8L);
  }

  /**
   * Bytes of a tensor.
   *
   * @throws IllegalArgumentException if it is quantised in a way that has no layout
   */
  public static long bytes(DType dtype, List<Long> shape) {
    return switch (dtype) {
      case Scalar scalar ->
          bytes(scalar, shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact));
      case DType.Quantized quantized -> QuantizedLayout.of(quantized, shape).bytes();
    };
  }

  /** The value nearest to {@code x} that the floating dtype has; ties to even. */
  public static double round(Scalar dtype, double x) {
    return switch (dtype) {
      case F64 -> x;
      case F32 -> (float) x;
      case F16 -> round(x, 10, -14, 65504, Double.POSITIVE_INFINITY);
      case BF16 -> round(x, 7, -126, 0x1.FEp127, Double.POSITIVE_INFINITY);
      case F8E5M2 -> round(x, 2, -14, 57344, Double.POSITIVE_INFINITY);
      case F8E4M3 -> round(x, 3, -6, F8E4M3_MAX, F8E4M3_MAX);
      default -> throw new IllegalArgumentException(dtype + " is no floating dtype");
    };
  }

  /**
   * @param fraction bits after the binary point
   * @param minExponent of normal numbers
   * @param max the largest finite value
   * @param beyond what larger values become
   */
  private static double round(double x, int fraction, int minExponent, double max, double beyond) {
    if (Double.isNaN(x) || x == 0) {
      return x;
    }
    if (Double.isInfinite(x)) {
      return Math.copySign(beyond, x);
    }
    // Scaling by powers of two is exact, so that there is one rounding.
    int unit = Math.max(Math.getExponent(x), minExponent) - fraction;
    double rounded = Math.scalb(Math.rint(Math.scalb(x, -unit)), unit);
    return Math.abs(rounded) > max ? Math.copySign(beyond, x) : rounded;
  }

  /** The value modulo 2 to the width of the integer dtype, in its range; bool is 0 or 1. */
  public static long wrap(Scalar dtype, long x) {
    return switch (dtype) {
      case I64, U64 -> x;
      case I32 -> (int) x;
      case I16 -> (short) x;
      case I8 -> (byte) x;
      case I4 -> (x << 60) >> 60;
      case U32 -> x & 0xFFFF_FFFFL;
      case U16 -> x & 0xFFFF;
      case U8 -> x & 0xFF;
      case U4 -> x & 0xF;
      case BOOL -> x == 0 ? 0 : 1;
      default -> throw new IllegalArgumentException(dtype + " is no integer dtype");
    };
  }

  /** {@code x} truncated towards zero and limited to the integer dtype's range; NaN is 0. */
  public static long truncate(Scalar dtype, double x) {
    if (dtype == Scalar.BOOL) {
      return x == 0 ? 0 : 1;
    }
    int bits = (int) dtype.bits();
    boolean signed = dtype.name().startsWith("I");
    if (dtype == Scalar.U64) {
      if (!(x > 0)) {
        return 0;
      }
      if (x >= 0x1p64) {
        return -1;
      }
      return x < 0x1p63 ? (long) x : (long) (x - 0x1p63) + Long.MIN_VALUE;
    }
    long max = signed ? (1L << (bits - 1)) - 1 : (1L << bits) - 1;
    long min = signed ? -max - 1 : 0;
    return Math.clamp((long) x, min, max);
  }

  /** An integer element as a number; {@code u64} above 2⁶³ are not negative. */
  public static double toDouble(Scalar dtype, long x) {
    if (dtype == Scalar.U64 && x < 0) {
      // The lowest bit, ored in, keeps the rounding right.
      return (double) ((x >>> 1) | (x & 1)) * 2;
    }
    return x;
  }

  /** Element {@code i} of a floating tensor. */
  public static double real(Scalar dtype, MemorySegment data, long i) {
    return switch (dtype) {
      case F64 -> data.get(DOUBLE, i * 8);
      case F32 -> data.get(Tensor.FLOAT, i * 4);
      case F16 -> Float.float16ToFloat(data.get(SHORT, i * 2));
      case BF16 -> Float.intBitsToFloat(data.get(SHORT, i * 2) << 16);
      case F8E5M2 -> Float.float16ToFloat((short) (data.get(ValueLayout.JAVA_BYTE, i) << 8));
      case F8E4M3 -> decodeF8E4M3(data.get(ValueLayout.JAVA_BYTE, i));
      default -> toDouble(dtype, integer(dtype, data, i));
    };
  }

  /** Writes element {@code i} of a floating tensor, rounding {@code x}. */
  public static void setReal(Scalar dtype, MemorySegment data, long i, double x) {
    double y = round(dtype, x);
    switch (dtype) {
      case F64 -> data.set(DOUBLE, i * 8, y);
      case F32 -> data.set(Tensor.FLOAT, i * 4, (float) y);
      case F16 -> data.set(SHORT, i * 2, Float.floatToFloat16((float) y));
      case BF16 ->
          data.set(
              SHORT,
              i * 2,
              Double.isNaN(y)
                  ? (short) 0x7FC0
                  : (short) (Float.floatToRawIntBits((float) y) >>> 16));
      case F8E5M2 ->
          data.set(ValueLayout.JAVA_BYTE, i, (byte) (Float.floatToFloat16((float) y) >>> 8));
      case F8E4M3 -> data.set(ValueLayout.JAVA_BYTE, i, encodeF8E4M3(y));
      default -> throw new IllegalArgumentException(dtype + " is no floating dtype");
    }
  }

  private static double decodeF8E4M3(byte bits) {
    int exponent = (bits >> 3) & 0xF;
    int fraction = bits & 7;
    if (exponent == 15 && fraction == 7) {
      return Double.NaN;
    }
    double magnitude =
        exponent == 0 ? Math.scalb(fraction, -9) : Math.scalb(8 + fraction, exponent - 10);
    return bits < 0 ? -magnitude : magnitude;
  }

  private static byte encodeF8E4M3(double rounded) {
    int sign = Double.doubleToRawLongBits(rounded) < 0 ? 0x80 : 0;
    double magnitude = Math.abs(rounded);
    if (Double.isNaN(rounded)) {
      return (byte) (sign | 0x7F);
    }
    if (magnitude < 0x1p-6) {
      return (byte) (sign | (int) Math.scalb(magnitude, 9));
    }
    int exponent = Math.getExponent(magnitude);
    int fraction = (int) Math.scalb(magnitude, 3 - exponent) - 8;
    return (byte) (sign | (exponent + 7) << 3 | fraction);
  }

  /** Element {@code i} of an integer or bool tensor; {@code u64} as its bits. */
  public static long integer(Scalar dtype, MemorySegment data, long i) {
    return switch (dtype) {
      case I64, U64 -> data.get(LONG, i * 8);
      case I32 -> data.get(Tensor.INT, i * 4);
      case U32 -> data.get(Tensor.INT, i * 4) & 0xFFFF_FFFFL;
      case I16, U16 -> wrap(dtype, data.get(SHORT, i * 2));
      case I8, U8, BOOL -> wrap(dtype, data.get(ValueLayout.JAVA_BYTE, i));
      case I4, U4 -> wrap(dtype, data.get(ValueLayout.JAVA_BYTE, i / 2) >> (i % 2 == 0 ? 0 : 4));
      default -> throw new IllegalArgumentException(dtype + " is no integer dtype");
    };
  }

  /** Writes element {@code i} of an integer or bool tensor, wrapping {@code x}. */
  public static void setInteger(Scalar dtype, MemorySegment data, long i, long x) {
    switch (dtype) {
      case I64, U64 -> data.set(LONG, i * 8, x);
      case I32, U32 -> data.set(Tensor.INT, i * 4, (int) x);
      case I16, U16 -> data.set(SHORT, i * 2, (short) x);
      case I8, U8 -> data.set(ValueLayout.JAVA_BYTE, i, (byte) x);
      case BOOL -> data.set(ValueLayout.JAVA_BYTE, i, (byte) (x == 0 ? 0 : 1));
      case I4, U4 -> {
        int shift = i % 2 == 0 ? 0 : 4;
        int other = data.get(ValueLayout.JAVA_BYTE, i / 2) & ~(0xF << shift);
        data.set(ValueLayout.JAVA_BYTE, i / 2, (byte) (other | ((int) x & 0xF) << shift));
      }
      default -> throw new IllegalArgumentException(dtype + " is no integer dtype");
    }
  }

  /**
   * The tensor's elements as a literal, a single one if all are the same.
   *
   * @throws IllegalArgumentException if it is quantised or empty
   */
  public static Literal literal(Tensor tensor) {
    if (!(tensor.dtype() instanceof DType.Scalar dtype) || tensor.elements() == 0) {
      throw new IllegalArgumentException(tensor.type() + " has no literal");
    }
    var elements = new ArrayList<Number>();
    for (long i = 0; i < tensor.elements(); i++) {
      elements.add(
          dtype.kind() == Scalar.Kind.FLOAT
              ? (Number) real(dtype, tensor.data(), i)
              : (Number) integer(dtype, tensor.data(), i));
    }
    return new Literal(
        elements.stream().distinct().count() == 1 ? List.of(elements.getFirst()) : elements);
  }
}
