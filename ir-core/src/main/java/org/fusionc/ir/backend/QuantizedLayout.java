package org.fusionc.ir.backend;

import java.util.List;
import org.fusionc.ir.DType;

/**
 * Where the parts of a quantised tensor lie: first the integers of all rows, row by row, each row
 * padded to whole groups; then the {@code f16} scales of all rows; then, if it is asymmetric, the
 * {@code f16} minima of all rows. A row is a row of the last dimension.
 *
 * @param dtype of 4 or 8 bits
 * @param rows rows of the tensor
 * @param columns elements of a row, without padding
 */
public record QuantizedLayout(DType.Quantized dtype, long rows, long columns) {
  public QuantizedLayout {
    if (!dtype.isPacked()) {
      throw new IllegalArgumentException(dtype + " has no layout in memory");
    }
  }

  /**
   * The layout of a tensor of this shape.
   *
   * @param shape of rank 1 or more
   */
  public static QuantizedLayout of(DType.Quantized dtype, List<Long> shape) {
    if (shape.isEmpty()) {
      throw new IllegalArgumentException("a single number has no groups");
    }
    long rows =
        shape.subList(0, shape.size() - 1).stream()
            .mapToLong(Long::longValue)
            .reduce(1, Math::multiplyExact);
    return new QuantizedLayout(dtype, rows, shape.getLast());
  }

  /** Groups of a row. */
  public long groups() {
    return Math.ceilDiv(columns, (long) dtype.group());
  }

  /** Elements of a row with its padding. */
  public long paddedColumns() {
    return groups() * dtype.group();
  }

  /** Bytes of a row's integers. */
  public long rowBytes() {
    return paddedColumns() * dtype.width() / 8;
  }

  /** Where the first scale lies, in bytes. */
  public long scalesAt() {
    return Math.multiplyExact(rows, rowBytes());
  }

  /** Where the first minimum lies, in bytes; only if the dtype is asymmetric. */
  public long minimaAt() {
    return scalesAt() + rows * groups() * Short.BYTES;
  }

  /** Bytes of the tensor. */
  public long bytes() {
    return scalesAt() + rows * groups() * Short.BYTES * (dtype.asymmetric() ? 2 : 1);
  }

  /** The largest integer: 7 or 127, or 15 or 255 if asymmetric. */
  public int largest() {
    int levels = 1 << dtype.width();
    return dtype.asymmetric() ? levels - 1 : levels / 2 - 1;
  }

  /** The smallest integer: -8 or -127, or 0 if asymmetric. */
  public int smallest() {
    return dtype.asymmetric() ? 0 : dtype.width() == 4 ? -8 : -127;
  }
}
