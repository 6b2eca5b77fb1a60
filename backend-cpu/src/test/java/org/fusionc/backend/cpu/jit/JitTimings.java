package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.Instruction;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.QuantizedLayout;

/**
 * Prints how fast the kernels in machine code are beside what the machine can do, measured in the
 * same run. Not a test; run its main; the arguments are formats, or none for all.
 */
final class JitTimings {
  private static final int N = 4096;
  private static final int K = 2048;

  private JitTimings() {}

  public static void main(String[] arguments) {
    var formats =
        arguments.length > 0 ? List.of(arguments) : List.of("q4<32>", "q8<32>", "q4a<64>");
    for (int threads : new int[] {1, Runtime.getRuntime().availableProcessors()}) {
      for (var tier : List.of(Tier.AVX512, Tier.AVX2)) {
        var target = Target.of(tier).orElse(null);
        if (target != null) {
          try (var pool = new ComputePool(threads)) {
            System.out.printf("%n%d thread(s), %s%n", threads, target);
            formats.forEach(format -> integers(pool, target, parse(format)));
          }
        }
      }
    }
  }

  static DType.Quantized parse(String text) {
    var parts = text.split("[<>]");
    boolean asymmetric = parts[0].endsWith("a");
    int width = Integer.parseInt(parts[0].substring(1, 2));
    return new DType.Quantized(width, Integer.parseInt(parts[1]), asymmetric);
  }

  private static void integers(ComputePool pool, Target target, DType.Quantized type) {
    try (var arena = Arena.ofShared()) {
      int copies = 24;
      var layers = new PackedLinear[copies];
      long bytes = 0;
      for (int i = 0; i < copies; i++) {
        var source = source(type, N, arena);
        layers[i] = IntegerLinear.pack(pool, source, type, N, K, target, arena);
        bytes += layers[i].bytes();
      }
      var x = arena.allocate(512L * K * 4, 64);
      for (int i = 0; i < 512 * K; i++) {
        x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i));
      }
      var y = arena.allocate(512L * N * 4, 64);
      var memory = arena.allocate(256 << 20, 64);
      memory.fill((byte) 1);
      double limit = Limits.bandwidth(pool, target, memory);
      double rate = 0;
      for (int round = 0; round < 3; round++) {
        double seconds =
            Limits.best(
                Arrays.stream(layers)
                    .<Runnable>map(l -> () -> l.run(pool, x, null, y, 1))
                    .toList());
        rate = Math.max(rate, bytes / copies / seconds);
        limit = Math.max(limit, Limits.bandwidth(pool, target, memory));
      }
      System.out.printf(
          "  %-7s gemv %6.1f GB/s, %3.0f %% of %.1f%n",
          type, rate / 1e9, 100 * rate / limit, limit / 1e9);
      var dot = target.dotsBytes() ? Instruction.VPDPBUSD : Instruction.VPMADDUBSW;
      double peak = 2.0 * target.vector() * Limits.rate(pool, target, dot);
      int few = 512;
      var narrow = IntegerLinear.pack(pool, source(type, few, arena), type, few, K, target, arena);
      for (int m : new int[] {4, 6, 16, 64, 256}) {
        double seconds = Limits.best(() -> narrow.run(pool, x, null, y, m));
        peak = Math.max(peak, 2.0 * target.vector() * Limits.rate(pool, target, dot));
        double reached = 2.0 * m * few * K / seconds;
        System.out.printf(
            "  %-7s gemm m=%-4d %7.0f GOP/s, %3.0f %% of %.0f%n",
            type, m, reached / 1e9, 100 * reached / peak, peak / 1e9);
      }
    }
  }

  private static MemorySegment source(DType.Quantized type, int n, Arena arena) {
    var random = new byte[(int) new QuantizedLayout(type, n, K).bytes()];
    new Random(n).nextBytes(random);
    var source = arena.allocate(random.length, 64);
    MemorySegment.copy(random, 0, source, ValueLayout.JAVA_BYTE, 0, random.length);
    return source;
  }
}
