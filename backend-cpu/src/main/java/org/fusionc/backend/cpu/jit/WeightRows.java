package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.QuantizedLayout;

/**
 * The rows of a weight's last dimension, in the form that artifacts keep, made when they are asked
 * for: so that a weight that is converted on its way into packed form never exists as a whole
 * before it. Any thread may ask.
 */
public interface WeightRows {
  /** Bytes of rows after which those before are done with. */
  long PIECE = 16L << 20;

  DType dtype();

  /** Rows of the weight. */
  long rows();

  /** Elements of a row. */
  int columns();

  /**
   * Some rows, as a tensor of their own.
   *
   * @param scratch where they are made if they are nowhere yet; for the calling thread
   */
  MemorySegment read(long from, int count, SegmentAllocator scratch);

  /** Hears that rows {@code from … to-1} have been read, so that they need not stay in memory. */
  void done(long from, long to);

  /** Bytes of a row. */
  default long rowBytes() {
    return bytes(1);
  }

  /** Bytes of so many rows as a tensor of their own. */
  default long bytes(long count) {
    return switch (dtype()) {
      case DType.Scalar scalar -> count * columns() * scalar.bytes();
      case DType.Quantized type -> new QuantizedLayout(type, count, columns()).bytes();
    };
  }

  /** Does something with rows {@code from … to-1}. */
  @FunctionalInterface
  interface Body {
    void run(long from, long to);
  }

  /**
   * Goes through all rows in parallel, so many at a time.
   *
   * @param grain rows that go together; the last ones may be fewer
   */
  default void forEach(ComputePool pool, int grain, Body body) {
    long units = Math.ceilDiv(rows(), (long) grain);
    long piece = Math.max(pool.threads(), PIECE / Math.max(1, grain * rowBytes()));
    for (long first = 0; first < units; first += piece) {
      long start = first * grain;
      long end = Math.min(rows(), (first + piece) * grain);
      pool.parallelFor(
          Math.ceilDiv(end - start, (long) grain),
          1,
          (a, b) -> {
            for (long unit = a; unit < b; unit++) {
              long from = start + unit * grain;
              body.run(from, Math.min(end, from + grain));
            }
          });
      done(start, end);
    }
  }

  /** Writes the whole weight. */
  default void copyTo(ComputePool pool, MemorySegment to) {
    int grain = Math.toIntExact(Math.clamp((64 << 10) / Math.max(1, rowBytes()), 1, 1024));
    forEach(pool, grain, (from, end) -> RowParts.copy(this, from, end, to));
  }

  /** Rows {@code first … first+count-1} as a weight. */
  default WeightRows range(long first, long count) {
    return first == 0 && count == rows() ? this : new RowRange(this, first, count);
  }

  /** A weight that is in memory. */
  static WeightRows of(MemorySegment data, DType dtype, long rows, int columns) {
    return new StoredRows(data, dtype, rows, columns);
  }
}
