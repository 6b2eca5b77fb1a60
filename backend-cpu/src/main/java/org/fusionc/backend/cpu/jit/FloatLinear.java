package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;

/**
 * A linear layer with floating-point weights. Products are those of f32 activations, except for
 * bf16 weights on a target that multiplies pairs of bf16: there activations are rounded to bf16.
 */
public final class FloatLinear extends PackedLinear {
  private final FloatLayout layout;

  FloatLinear(FloatLayout layout, MemorySegment weights, int n, int k) {
    super(layout, weights, n, k);
    this.layout = layout;
  }

  /**
   * Packs weights.
   *
   * @param weights [n, k] in {@code format}
   * @param memory where the packed ones are kept: zeros
   * @throws IllegalArgumentException if the segment is too small
   */
  public static PackedLinear pack(
      ComputePool pool,
      MemorySegment weights,
      FloatFormat format,
      int n,
      int k,
      Target target,
      SegmentAllocator memory) {
    var dtype = DType.Scalar.valueOf(format.name());
    return WeightPacking.pack(pool, WeightRows.of(weights, dtype, n, k), target, memory);
  }

  @Override
  long prepared(ComputePool pool, long x, int m) {
    if (!layout.dotsHalves() && k == FloatLayout.padded(k)) {
      return x;
    }
    long rows = Scratch.reserveShared(m * layout.rowBytes(k));
    pool.parallelFor(m, 8, (from, to) -> convert(x, (int) from, (int) to, rows));
    return rows;
  }

  private void convert(long x, int from, int to, long rows) {
    for (int row = from; row < to; row++) {
      long source = x + (long) row * k * Float.BYTES;
      long target = rows + row * layout.rowBytes(k);
      if (layout.dotsHalves()) {
        round(source, target);
      } else {
        RaggedEdges.copyPadded(source, k, target, FloatLayout.padded(k));
      }
    }
  }

  private void round(long source, long target) {
    int at = FloatLayout.ROUNDED;
    var kernel = Kernels.of(new HalfRounder(layout.target()));
    int whole = k / at;
    if (whole > 0) {
      HalfRounder.run(kernel, source, target, whole);
    }
    int rest = k - whole * at;
    if (rest > 0) {
      long padded = Scratch.reserve(at * (long) Float.BYTES);
      RaggedEdges.copyPadded(source + (long) whole * at * Float.BYTES, rest, padded, at);
      HalfRounder.run(kernel, padded, target + (long) whole * at * Short.BYTES, 1);
    }
  }
}
