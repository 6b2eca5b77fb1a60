package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Prints how fast the matrix products are beside what the machine can do, measured in the same run:
 * the read bandwidth for one row, the rate of fused multiply-adds for many. Not a test; run its
 * main with {@code --add-modules jdk.incubator.vector}; the arguments are thread counts.
 */
final class KernelTimings {

  private static final int N = 8192;
  private static final int K = 2048;
  private static volatile float sink;

  private KernelTimings() {}

  public static void main(String[] arguments) {
    int[] counts =
        arguments.length == 0
            ? new int[] {1, Runtime.getRuntime().availableProcessors()}
            : Arrays.stream(arguments).mapToInt(Integer::parseInt).toArray();
    for (int threads : counts) {
      try (var pool = new ComputePool(threads);
          var arena = Arena.ofShared()) {
        System.out.printf("%n%d thread(s), hand-off %.2f us%n", threads, handOff(pool));
        gemv(pool, arena);
        gemm(pool, arena);
      }
    }
  }

  private static double handOff(ComputePool pool) {
    return 1e6
        * best(() -> {
          for (int i = 0; i < 1000; i++) {
            pool.parallelFor(pool.threads(), 1, (from, to) -> sink = from);
          }
        })
        / 1000;
  }

  private static void gemv(ComputePool pool, Arena arena) {
    int copies = 12; // matrices in turn, so that none is found in a cache
    MemorySegment weights = arena.allocate((long) copies * N * K * 4, 64);
    for (long at = 0; at < weights.byteSize(); at += 4096) {
      weights.set(java.lang.foreign.ValueLayout.JAVA_INT, at, 0x3f803f80);
    }
    MemorySegment x = arena.allocate((long) K * 4, 64);
    MemorySegment y = arena.allocate((long) N * 4, 64);
    double limit = bandwidth(pool, weights);
    System.out.printf("  read bandwidth %.1f GB/s%n", limit);
    for (FloatFormat format : FloatFormat.values()) {
      long bytes = (long) N * K * format.bytes();
      double seconds =
          best(() -> {
            for (int i = 0; i < copies; i++) {
              MemorySegment w = weights.asSlice(i * bytes, bytes);
              Linear.run(pool, x, w, format, null, y, 1, N, K);
            }
          });
      double rate = copies * bytes / seconds / 1e9;
      System.out.printf("  gemv %-4s %6.1f GB/s  %3.0f %%%n", format, rate, 100 * rate / limit);
    }
  }

  private static double bandwidth(ComputePool pool, MemorySegment memory) {
    long base = memory.address();
    long chunk = 256 * 1024;
    return memory.byteSize()
        / best(() ->
            pool.parallelFor(
                memory.byteSize() / chunk,
                1,
                (from, to) -> {
                  float total = 0;
                  for (long c = from; c < to; c++) {
                    total += readAll(base + c * chunk, chunk);
                  }
                  sink = total;
                }))
        / 1e9;
  }

  private static float readAll(long address, long bytes) {
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    FloatVector c = Lanes.zero();
    FloatVector d = Lanes.zero();
    long quarter = bytes / 4;
    for (int i = 0; i < quarter; i += Lanes.BYTES) {
      a = a.add(Lanes.load(address + i));
      b = b.add(Lanes.load(address + quarter + i));
      c = c.add(Lanes.load(address + 2 * quarter + i));
      d = d.add(Lanes.load(address + 3 * quarter + i));
    }
    return Lanes.sum(a.add(b).add(c.add(d)));
  }

  private static void gemm(ComputePool pool, Arena arena) {
    int n = 2048;
    MemorySegment w = arena.allocate((long) n * N * 4, 64);
    MemorySegment x = arena.allocate((long) 512 * N * 4, 64);
    MemorySegment y = arena.allocate((long) 512 * n * 4, 64);
    double limit = peak(pool);
    System.out.printf("  fma peak %.0f GFLOP/s%n", limit);
    for (int k : new int[] {2048, 8192}) {
      for (int m : new int[] {2, 4, 16, 64, 512}) {
        for (FloatFormat format : FloatFormat.values()) {
          double seconds = best(() -> Linear.run(pool, x, w, format, null, y, m, n, k));
          double rate = 2.0 * m * n * k / seconds / 1e9;
          System.out.printf(
              "  gemm m=%-4d k=%-5d %-4s %6.1f GFLOP/s  %3.0f %%, weights at %5.1f GB/s%n",
              m,
              k,
              format,
              rate,
              100 * rate / limit,
              (double) n * k * format.bytes() / seconds / 1e9);
        }
      }
    }
  }

  private static double peak(ComputePool pool) {
    int rounds = 100_000;
    double seconds =
        best(() -> pool.parallelFor(pool.threads(), 1, (from, to) -> sink = multiplyAdds(rounds)));
    return 2.0 * 10 * Lanes.COUNT * rounds * pool.threads() / seconds / 1e9;
  }

  private static float multiplyAdds(int rounds) {
    FloatVector f = FloatVector.broadcast(Lanes.F32, 0.999f);
    FloatVector a = Lanes.zero();
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    FloatVector e = a;
    FloatVector g = a;
    FloatVector h = a;
    FloatVector i = a;
    FloatVector j = a;
    FloatVector k = a;
    for (int r = 0; r < rounds; r++) {
      a = a.fma(f, f);
      b = b.fma(f, f);
      c = c.fma(f, f);
      d = d.fma(f, f);
      e = e.fma(f, f);
      g = g.fma(f, f);
      h = h.fma(f, f);
      i = i.fma(f, f);
      j = j.fma(f, f);
      k = k.fma(f, f);
    }
    return Lanes.sum(a.add(b).add(c.add(d)).add(e.add(g).add(h.add(i))).add(j.add(k)));
  }

  /**
   * Seconds of the fastest of many runs; the machine is shared, the fastest is the least disturbed.
   */
  private static double best(Runnable work) {
    double best = Double.MAX_VALUE;
    long end = System.nanoTime() + 700_000_000L;
    for (int i = 0; i < 6 || System.nanoTime() < end; i++) {
      long start = System.nanoTime();
      work.run();
      best = Math.min(best, (System.nanoTime() - start) / 1e9);
    }
    return best;
  }
}
