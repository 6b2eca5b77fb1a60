package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;

/**
 * A linear layer with quantised weights: activations are quantised too, and multiplied as bytes.
 */
public final class IntegerLinear extends PackedLinear {
  private final IntegerFormat format;

  IntegerLinear(IntegerFormat format, MemorySegment weights, int n, int k) {
    super(format, weights, n, k);
    this.format = format;
  }

  /**
   * Packs weights.
   *
   * @param weights {@code type} [n, k], in the form that artifacts keep
   * @param memory where the packed ones are kept: zeros
   * @throws IllegalArgumentException if the segment is too small
   */
  public static PackedLinear pack(
      ComputePool pool,
      MemorySegment weights,
      DType.Quantized type,
      int n,
      int k,
      Target target,
      SegmentAllocator memory) {
    return WeightPacking.pack(pool, WeightRows.of(weights, type, n, k), target, memory);
  }

  @Override
  long prepared(ComputePool pool, long x, int m) {
    long rows = Scratch.reserveShared(m * format.rowBytes(k));
    pool.parallelFor(m, 4, (from, to) -> quantise(x, (int) from, (int) to, rows));
    return rows;
  }

  private void quantise(long x, int from, int to, long rows) {
    var kernel = Kernels.of(RowQuantizer.of(format));
    int whole = k / format.group();
    for (int row = from; row < to; row++) {
      long at = rows + row * format.rowBytes(k);
      long source = x + (long) row * k * Float.BYTES;
      RowQuantizer.run(kernel, source, at, whole);
      int rest = k - whole * format.group();
      if (rest > 0) {
        long padded = Scratch.reserve((long) format.group() * Float.BYTES);
        long begin = source + (long) whole * format.group() * Float.BYTES;
        RaggedEdges.copyPadded(begin, rest, padded, format.group());
        RowQuantizer.run(kernel, padded, at + (long) whole * format.rowStepBytes(), 1);
      }
    }
  }
}
