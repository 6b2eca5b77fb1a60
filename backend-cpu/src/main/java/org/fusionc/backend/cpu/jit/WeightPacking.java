package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.GroupPacking;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.jspecify.annotations.Nullable;

/** Packs weights panel by panel as their rows are made, so that the caches hold them meanwhile. */
public final class WeightPacking {
  private WeightPacking() {}

  /**
   * A linear layer with these weights.
   *
   * @param weights of a dtype that kernels read
   * @param memory where the packed ones are kept: zeros
   */
  public static PackedLinear pack(
      ComputePool pool, WeightRows weights, Target target, SegmentAllocator memory) {
    int n = Math.toIntExact(weights.rows());
    int k = weights.columns();
    return switch (weights.dtype()) {
      case DType.Quantized type -> {
        var format = new IntegerFormat(type, target);
        var packed = memory(format, n, k, memory);
        run(
            pool,
            format,
            weights,
            packed,
            (from, to, rows) -> IntegerPacking.run(format, from, to, rows, k));
        yield new IntegerLinear(format, packed, n, k);
      }
      case DType.Scalar scalar -> {
        var layout = new FloatLayout(FloatFormat.of(scalar), target);
        var packed = memory(layout, n, k, memory);
        run(
            pool,
            layout,
            weights,
            packed,
            (from, to, rows) -> FloatPacking.run(layout, from, to, rows, k));
        yield new FloatLinear(layout, packed, n, k);
      }
    };
  }

  /**
   * A linear layer with weights that were packed for the target's layout before.
   *
   * @param packed aligned to 64 bytes
   * @throws IllegalArgumentException if the segment is too small
   */
  public static PackedLinear of(MemorySegment packed, DType dtype, int n, int k, Target target) {
    return switch (dtype) {
      case DType.Quantized type -> {
        var format = new IntegerFormat(type, target);
        yield new IntegerLinear(format, checked(format, packed, n, k), n, k);
      }
      case DType.Scalar scalar -> {
        var layout = new FloatLayout(FloatFormat.of(scalar), target);
        yield new FloatLinear(layout, checked(layout, packed, n, k), n, k);
      }
    };
  }

  private static MemorySegment checked(PanelLayout layout, MemorySegment packed, int n, int k) {
    long needed = layout.bytes(n, k);
    if (packed.byteSize() < needed) {
      throw new IllegalArgumentException(
          "packed weights need " + needed + " bytes, but their segment has " + packed.byteSize());
    }
    return packed;
  }

  private static MemorySegment memory(PanelLayout layout, int n, int k, SegmentAllocator memory) {
    return memory.allocate(Math.max(64, layout.bytes(n, k)), 64);
  }

  /** How numbers are quantised group by group in machine code; null if the tier has none. */
  public static @Nullable GroupPacking groups(Tier tier, DType.Quantized type) {
    return Target.of(tier).map(target -> GroupQuantizer.packing(target, type)).orElse(null);
  }

  /** Packs the rows of a panel. */
  private interface Packing {
    void run(MemorySegment from, MemorySegment to, int rows);
  }

  private static void run(
      ComputePool pool, PanelLayout layout, WeightRows rows, MemorySegment to, Packing packing) {
    long panelBytes = layout.panelBytes(rows.columns());
    rows.forEach(
        pool,
        layout.channels(),
        (from, end) -> {
          int count = Math.toIntExact(end - from);
          long at = from / layout.channels() * panelBytes;
          try (var scratch = Arena.ofConfined()) {
            packing.run(rows.read(from, count, scratch), to.asSlice(at, panelBytes), count);
          }
        });
  }
}
