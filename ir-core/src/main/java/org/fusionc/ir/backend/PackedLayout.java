package org.fusionc.ir.backend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Type;

/**
 * How the weights of products lie for the kernels of a family of processors: what an artifact that
 * was packed for it stores, in place of rows one after the other.
 *
 * <p>A matrix {@code [N, K]} is a sequence of panels of {@code 4 · lanes} rows, the last one filled
 * with zeros; several matrices follow each other at multiples of 64 bytes. A panel is a sequence of
 * steps along K.
 *
 * <p><b>Numbers.</b> A step is 4 elements along K (zeros beyond K). Element {@code i} of the
 * panel's row {@code c} is number {@code i · 4 · lanes + c}; of bf16, two neighbours along K lie
 * together: number {@code 2 · (⌊i / 2⌋ · 4 · lanes + c) + i mod 2}.
 *
 * <p><b>Quantised.</b> A step is a group, and has two pairs of blocks, each block being {@code
 * lanes} rows. A pair is the integers of its two blocks, in vectors of {@code 4 · lanes} bytes of
 * the one and the other in turn; then of both the f16 scales; then of both, if asymmetric, the f16
 * minima. Integer {@code i} of 8 bits is byte {@code i mod 4 + 4 · lane} of its block's vector
 * {@code ⌊i / 4⌋}; of 4 bits, half-byte {@code ⌊i / 4⌋ mod 2} of byte {@code i mod 4 + 4 · lane} of
 * vector {@code ⌊i / 8⌋}, stored as in rows. Integers of 8 bits are unsigned, signed ones with 128
 * added, where {@code unsigned}; else signed, unsigned ones less 128.
 *
 * <p>Artifacts name a layout, so what lies differently needs a name of its own.
 *
 * @param name what people call it
 * @param lanes 32-bit lanes of a vector
 * @param unsigned whether the processor multiplies unsigned bytes by signed ones
 */
public record PackedLayout(String name, int lanes, boolean unsigned) {
  /** Blocks of a panel. */
  private static final int BLOCKS = 4;

  private static final int STEP = 4;

  /** All there are. */
  public static final List<PackedLayout> ALL =
      List.of(
          new PackedLayout("avx512", 16, true),
          new PackedLayout("avx2-vnni", 8, true),
          new PackedLayout("avx2", 8, false));

  /** The layout of that name. */
  public static Optional<PackedLayout> named(String name) {
    return ALL.stream().filter(layout -> layout.name.equals(name)).findFirst();
  }

  /** Whether tensors of this type can be packed: matrices in a format that kernels read. */
  public static boolean packs(Type.Tensor type) {
    return type.rank() >= 2
        && type.isStatic()
        && switch (type.dtype()) {
          case Scalar scalar ->
              scalar == Scalar.F32 || scalar == Scalar.F16 || scalar == Scalar.BF16;
          case DType.Quantized quantized -> quantized.isPacked();
        };
  }

  /** Whether weights of this dtype lie the same way in both. */
  public boolean isSame(PackedLayout other, DType dtype) {
    boolean bytes = dtype instanceof DType.Quantized quantized && quantized.width() == 8;
    return lanes == other.lanes && (!bytes || unsigned == other.unsigned);
  }

  private int channels() {
    return BLOCKS * lanes;
  }

  private int groupBytes(DType.Quantized type) {
    return type.group() * type.width() / 8 * lanes;
  }

  private int scaleBytes(DType.Quantized type) {
    return (type.asymmetric() ? 2 : 1) * Short.BYTES * lanes;
  }

  private long panelBytes(DType dtype, long k) {
    return switch (dtype) {
      case Scalar scalar -> Math.ceilDiv(k, (long) STEP) * STEP * scalar.bytes() * channels();
      case DType.Quantized type ->
          Math.ceilDiv(k, (long) type.group()) * BLOCKS * (groupBytes(type) + scaleBytes(type));
    };
  }

  /** How far apart matrices {@code [n, k]} are, in bytes. */
  public long matrixBytes(DType dtype, long n, long k) {
    return Math.ceilDiv(Math.ceilDiv(n, (long) channels()) * panelBytes(dtype, k), 64) * 64;
  }

  /** Matrices of a tensor. */
  public static long matrices(Type.Tensor type) {
    return type.dims().subList(0, type.rank() - 2).stream()
        .mapToLong(dim -> dim.value())
        .reduce(1, Math::multiplyExact);
  }

  /** Bytes of a packed tensor. */
  public long bytes(Type.Tensor type) {
    return matrices(type) * matrixBytes(type.dtype(), type.dim(-2).value(), type.dim(-1).value());
  }

  /**
   * Packs rows of a tensor of this type.
   *
   * @param from the tensor, as rows
   * @param first the first row, counted through all matrices
   * @param to the packed tensor, at first zeros
   */
  public void pack(Type.Tensor type, MemorySegment from, long first, long end, MemorySegment to) {
    for (long row = first; row < end; row++) {
      row(type, row, to, from, rows(type), row, true);
    }
  }

  /**
   * Copies a row of a packed tensor to one of a tensor that has rows of the same kind.
   *
   * @param from the packed tensor
   * @param row counted through all matrices
   * @param to a tensor of {@code toRows} rows
   */
  public void unpack(
      Type.Tensor type, MemorySegment from, long row, MemorySegment to, long toRows, long toRow) {
    row(type, row, from, to, toRows, toRow, false);
  }

  /** Rows of all matrices. */
  public static long rows(Type.Tensor type) {
    return matrices(type) * type.dim(-2).value();
  }

  /**
   * Where the panel begins that holds a row.
   *
   * @param row counted through all matrices; their number gives the end
   * @return in bytes from the beginning of the packed tensor
   */
  public long panelAt(Type.Tensor type, long row) {
    long n = type.dim(-2).value();
    long k = type.dim(-1).value();
    return row / n * matrixBytes(type.dtype(), n, k)
        + row % n / channels() * panelBytes(type.dtype(), k);
  }

  /**
   * @param row of the packed tensor
   * @param rows how many the plain one has
   * @param plainRow the row of the plain one
   */
  private void row(
      Type.Tensor type,
      long row,
      MemorySegment packed,
      MemorySegment plain,
      long rows,
      long plainRow,
      boolean isPacking) {
    long k = type.dim(-1).value();
    long panel = panelAt(type, row);
    int channel = (int) (row % type.dim(-2).value() % channels());
    switch (type.dtype()) {
      case Scalar scalar -> numbers(scalar, k, packed, panel, channel, plain, plainRow, isPacking);
      case DType.Quantized quantized -> {
        var layout = new QuantizedLayout(quantized, rows, k);
        groups(layout, packed, panel, channel, plain, plainRow, isPacking);
      }
    }
  }

  private void numbers(
      Scalar dtype,
      long k,
      MemorySegment packed,
      long panel,
      int channel,
      MemorySegment plain,
      long row,
      boolean isPacking) {
    int bytes = dtype.bytes();
    for (long i = 0; i < k; i++) {
      long number =
          dtype == Scalar.BF16
              ? 2 * (i / 2 * channels() + channel) + i % 2
              : i * channels() + channel;
      long at = panel + number * bytes;
      long from = (row * k + i) * bytes;
      if (bytes == Short.BYTES) {
        move(ValueLayout.JAVA_SHORT_UNALIGNED, packed, at, plain, from, isPacking);
      } else if (isPacking) {
        packed.set(
            ValueLayout.JAVA_INT_UNALIGNED, at, plain.get(ValueLayout.JAVA_INT_UNALIGNED, from));
      } else {
        plain.set(
            ValueLayout.JAVA_INT_UNALIGNED, from, packed.get(ValueLayout.JAVA_INT_UNALIGNED, at));
      }
    }
  }

  private static void move(
      ValueLayout.OfShort layout,
      MemorySegment packed,
      long at,
      MemorySegment plain,
      long from,
      boolean isPacking) {
    if (isPacking) {
      packed.set(layout, at, plain.get(layout, from));
    } else {
      plain.set(layout, from, packed.get(layout, at));
    }
  }

  private void groups(
      QuantizedLayout layout,
      MemorySegment packed,
      long panel,
      int channel,
      MemorySegment plain,
      long row,
      boolean isPacking) {
    var type = layout.dtype();
    int block = channel / lanes;
    int lane = channel % lanes;
    long step = (long) BLOCKS * (groupBytes(type) + scaleBytes(type));
    long pair = panel + block / 2 * 2L * (groupBytes(type) + scaleBytes(type));
    long integers = pair + block % 2 * 4L * lanes;
    long scales = pair + 2L * groupBytes(type) + (block % 2 * lanes + lane) * 2L;
    int flip = type.width() == 8 && unsigned != type.asymmetric() ? 0x80 : 0;
    for (long g = 0; g < layout.groups(); g++) {
      long from = row * layout.rowBytes() + g * type.group() * type.width() / 8;
      for (int i = 0; i < type.group(); i++) {
        if (type.width() == 8) {
          long at = integers + g * step + i % 4 + 4L * (lane + 2 * lanes * (i / 4));
          byteElement(packed, at, plain, from + i, flip, isPacking);
        } else {
          long at = integers + g * step + i % 4 + 4L * (lane + 2 * lanes * (i / 8));
          halfElement(packed, at, i / 4 % 2 * 4, plain, from + i / 2, i % 2 * 4, isPacking);
        }
      }
      long scale = layout.scalesAt() + (row * layout.groups() + g) * 2;
      var half = ValueLayout.JAVA_SHORT_UNALIGNED;
      move(half, packed, scales + g * step, plain, scale, isPacking);
      if (type.asymmetric()) {
        long minimum = layout.minimaAt() + (row * layout.groups() + g) * 2;
        move(half, packed, scales + g * step + 4L * lanes, plain, minimum, isPacking);
      }
    }
  }

  private static void byteElement(
      MemorySegment packed, long at, MemorySegment plain, long from, int flip, boolean isPacking) {
    if (isPacking) {
      byte stored = plain.get(ValueLayout.JAVA_BYTE, from);
      packed.set(ValueLayout.JAVA_BYTE, at, (byte) (stored ^ flip));
    } else {
      byte stored = packed.get(ValueLayout.JAVA_BYTE, at);
      plain.set(ValueLayout.JAVA_BYTE, from, (byte) (stored ^ flip));
    }
  }

  private static void halfElement(
      MemorySegment packed,
      long at,
      int shift,
      MemorySegment plain,
      long from,
      int plainShift,
      boolean isPacking) {
    if (isPacking) {
      put(packed, at, shift, plain.get(ValueLayout.JAVA_BYTE, from) >> plainShift);
    } else {
      put(plain, from, plainShift, packed.get(ValueLayout.JAVA_BYTE, at) >> shift);
    }
  }

  private static void put(MemorySegment to, long at, int shift, int halfByte) {
    int other = to.get(ValueLayout.JAVA_BYTE, at) & ~(15 << shift);
    to.set(ValueLayout.JAVA_BYTE, at, (byte) (other | (halfByte & 15) << shift));
  }
}
