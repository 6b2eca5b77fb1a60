package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.fusionc.backend.cpu.kernel.BinaryOp;
import org.fusionc.backend.cpu.kernel.Elementwise;
import org.fusionc.backend.cpu.kernel.Norms;
import org.fusionc.backend.cpu.kernel.Softmax;
import org.fusionc.backend.cpu.kernel.UnaryOp;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.op.Activation;

/**
 * Prints how fast norms, activations and softmax are in machine code and by the Vector API, in
 * turns in the same run. Not a test; run its main.
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
        for (var function : Activation.values()) {
          var units = new GatedUnits(target, function);
          var portable =
              List.of(BinaryOp.SWIGLU, BinaryOp.GEGLU, BinaryOp.GEGLU_TANH).get(function.ordinal());
          print(
              rows + " rows, " + portable,
              12.0 * rows * half,
              () -> units.packed(pool, x, y, rows, half),
              () -> Elementwise.packed(pool, portable, x, y, rows, half));
        }
        var gelu = new Activations(target, Activation.GELU);
        print(
            rows + " rows, gelu",
            8.0 * rows * half,
            () -> gelu.run(pool, x, y, (long) rows * half),
            () -> Elementwise.unary(pool, UnaryOp.GELU, x, y, (long) rows * half));
        var softmax = new RowSoftmax(target);
        print(
            rows + " rows, softmax",
            8.0 * rows * half,
            () -> softmax.run(pool, x, y, rows, half),
            () -> Softmax.run(pool, x, y, rows, half));
        for (boolean added : new boolean[] {true, false}) {
          var operands =
              new Norms.Operands(x, added ? residual : null, added ? sum : null, x, null, y);
          var rms = RowNorms.rms(target, width, 1e-5, added);
          var layer = RowNorms.layer(target, width, 1e-5, added, false);
          String name = rows + (added ? " rows, added, " : " rows, ");
          print(
              name + "rms_norm",
              (added ? 16.0 : 8.0) * rows * width,
              () -> rms.run(pool, operands, rows),
              () -> Norms.rms(pool, operands, rows, width, 1e-5));
          print(
              name + "layer_norm",
              (added ? 16.0 : 8.0) * rows * width,
              () -> layer.run(pool, operands, rows),
              () -> Norms.layer(pool, operands, rows, width, 1e-5));
        }
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
