package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.QuantizedLayout;

/** Where rows lie within a tensor: in one piece, or integers, scales and minima apart. */
final class RowParts {
  private RowParts() {}

  /** Copies rows {@code from … end-1} of a weight to their place in the whole. */
  static void copy(WeightRows rows, long from, long end, MemorySegment to) {
    int count = Math.toIntExact(end - from);
    try (var scratch = Arena.ofConfined()) {
      var some = rows.read(from, count, scratch);
      move(rows.dtype(), rows.columns(), count, some, count, 0, to, rows.rows(), from);
    }
  }

  /**
   * Copies rows of one tensor into another with rows of the same kind.
   *
   * @param fromRows rows of the source, of which those from {@code first} on are copied
   * @param toRows rows of the target, of which those from {@code at} on are written
   */
  static void move(
      DType dtype,
      int columns,
      long count,
      MemorySegment from,
      long fromRows,
      long first,
      MemorySegment to,
      long toRows,
      long at) {
    switch (dtype) {
      case DType.Scalar scalar -> {
        long bytes = (long) columns * scalar.bytes();
        MemorySegment.copy(from, first * bytes, to, at * bytes, count * bytes);
      }
      case DType.Quantized type -> {
        var source = new QuantizedLayout(type, fromRows, columns);
        var target = new QuantizedLayout(type, toRows, columns);
        long bytes = source.rowBytes();
        long scales = source.groups() * Short.BYTES;
        MemorySegment.copy(from, first * bytes, to, at * bytes, count * bytes);
        MemorySegment.copy(
            from,
            source.scalesAt() + first * scales,
            to,
            target.scalesAt() + at * scales,
            count * scales);
        if (type.asymmetric()) {
          MemorySegment.copy(
              from,
              source.minimaAt() + first * scales,
              to,
              target.minimaAt() + at * scales,
              count * scales);
        }
      }
    }
  }
}
