package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fusionc.backend.cpu.kernel.BinaryOp;
import org.fusionc.backend.cpu.kernel.Elementwise;
import org.fusionc.backend.cpu.kernel.Norms;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Prints how fast norms and gated units are in machine code and by the Vector API, in turns in the
 * same run. Not a test; run its main.
 */
final class RowTimings {
  private RowTimings() {}

  public static void main(String[] arguments) {
    var target = Target.of(Tier.best()).orElseThrow();
    for (int rows : new int[] {1, 256}) {
      try (var pool = new ComputePool(Runtime.getRuntime().availableProcessors());
          var arena = Arena.ofShared()) {
        int width = 2048;
        int half = 8192;
        var x = random(arena, rows * 2 * half);
        var y = random(arena, rows * half);
        var sum = random(arena, rows * width);
        var residual = random(arena, rows * width);
        print(
            rows + " rows, packed_swiglu",
            12.0 * rows * half,
            () -> new GatedUnits(target, GatedUnits.Kind.SWIGLU).packed(pool, x, y, rows, half),
            () -> Elementwise.packed(pool, BinaryOp.SWIGLU, x, y, rows, half));
        print(
            rows + " rows, add_rms_norm",
            16.0 * rows * width,
            () -> new RowNorms(target, width, 1e-5, true).rms(pool, x, residual, sum, x, y, rows),
            () -> Norms.rms(pool, x, residual, sum, x, y, rows, width, 1e-5));
        print(
            rows + " rows, rms_norm",
            8.0 * rows * width,
            () -> new RowNorms(target, width, 1e-5, false).rms(pool, x, null, null, x, y, rows),
            () -> Norms.rms(pool, x, null, null, x, y, rows, width, 1e-5));
      }
    }
  }

  private static void print(String name, double bytes, Runnable coded, Runnable portable) {
    double[] times = {Double.MAX_VALUE, Double.MAX_VALUE};
    for (int round = 0; round < 4; round++) {
      times[0] = Math.min(times[0], Limits.best(coded));
      times[1] = Math.min(times[1], Limits.best(portable));
    }
    System.out.printf(
        "%-24s %7.1f µs, %5.1f GB/s; portable %7.1f µs%n",
        name, 1e6 * times[0], bytes / times[0] / 1e9, 1e6 * times[1]);
  }

  private static MemorySegment random(Arena arena, int count) {
    var segment = arena.allocate(4L * count, 64);
    for (int i = 0; i < count; i++) {
      segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i));
    }
    return segment;
  }
}
