package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.fusionc.ir.backend.QuantizedLayout;

/** Rows of weights as a product reads them, in whatever format they are stored. */
public sealed interface WeightMatrix permits FloatMatrix, QuantizedMatrix {
  /**
   * A matrix of floating numbers.
   *
   * @throws IllegalArgumentException if the segment is too small
   */
  static WeightMatrix of(MemorySegment data, FloatFormat format, long rows, int k) {
    Operand.dimension("n", rows);
    Operand.dimension("k", k);
    return new FloatMatrix(Operand.input("w", data, rows * k, format), format, k);
  }

  /**
   * A matrix of quantised numbers.
   *
   * @throws IllegalArgumentException if the segment is too small
   */
  static WeightMatrix of(MemorySegment data, QuantizedLayout layout) {
    return QuantizedMatrix.of(Operand.address("w", data, layout.bytes()), layout);
  }

  /** The same matrix without the rows before this one. */
  WeightMatrix from(long row);

  /** Bytes that a row takes. */
  long rowBytes();

  /**
   * Converts pieces of rows to a panel of f32: vector by vector, the rows side by side, zeros or
   * anything finite in the lanes beyond the end. Places beyond the last row repeat it.
   *
   * @param row the first row
   * @param rows how many there are, at most {@code slots}
   * @param slots how many rows the panel has
   * @param from the first element of the piece
   * @param length elements of the piece
   */
  void panel(long row, int rows, int slots, int from, int length, long target);

  /**
   * {@code y[from … to-1]} for one row {@code x[k]}, in the order of {@link Linear}.
   *
   * @param bias 0 if there is none
   */
  void product(long x, long bias, long y, int from, int to);
}
