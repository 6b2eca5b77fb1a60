package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Products of small matrices that are both computed at run time or stored as f32, many side by
 * side: {@code [B, M, K]} by {@code [B, K, N]} or {@code [K, N]}. Large products with a stored
 * weight are {@link Linear}'s.
 */
public final class Matmul {
  private static final int TASK = 64 * 1024;
  private static final int WIDE = 4;

  private Matmul() {}

  /**
   * {@code z[b, m, n] = Σ_k x[b, m, k] · y[b, k, n]}.
   *
   * @param shared whether y is one matrix for all b
   */
  public static void run(
      ComputePool pool,
      MemorySegment x,
      MemorySegment y,
      MemorySegment z,
      int batch,
      int m,
      int k,
      int n,
      boolean shared) {
    long left = Operand.input("x", x, (long) batch * m * k);
    long right = Operand.input("y", y, (shared ? 1L : batch) * k * n);
    long to = Operand.output("z", z, (long) batch * m * n);
    pool.parallelFor(
        (long) batch * m,
        Math.max(1, TASK / Math.max(1, k * n)),
        (first, last) -> {
          for (long row = first; row < last; row++) {
            long matrix = shared ? 0 : row / m;
            row(
                left + row * k * Float.BYTES,
                right + matrix * k * n * Float.BYTES,
                to + row * n * Float.BYTES,
                k,
                n);
          }
        });
  }

  private static void row(long x, long y, long z, int k, int n) {
    int column = 0;
    for (; column + WIDE * Lanes.COUNT <= n; column += WIDE * Lanes.COUNT) {
      wide(x, y + (long) column * Float.BYTES, z + (long) column * Float.BYTES, k, n);
    }
    for (; column + Lanes.COUNT <= n; column += Lanes.COUNT) {
      narrow(x, y + (long) column * Float.BYTES, z + (long) column * Float.BYTES, k, n);
    }
    for (; column < n; column++) {
      float sum = 0;
      for (int i = 0; i < k; i++) {
        sum =
            Math.fma(
                Lanes.get(x + (long) i * Float.BYTES),
                Lanes.get(y + ((long) i * n + column) * Float.BYTES),
                sum);
      }
      Lanes.set(z + (long) column * Float.BYTES, sum);
    }
  }

  private static void wide(long x, long y, long z, int k, int n) {
    var a = Lanes.zero();
    var b = Lanes.zero();
    var c = Lanes.zero();
    var d = Lanes.zero();
    for (int i = 0; i < k; i++) {
      var factor = FloatVector.broadcast(Lanes.F32, Lanes.get(x + (long) i * Float.BYTES));
      long at = y + (long) i * n * Float.BYTES;
      a = Lanes.load(at).fma(factor, a);
      b = Lanes.load(at + Lanes.BYTES).fma(factor, b);
      c = Lanes.load(at + 2L * Lanes.BYTES).fma(factor, c);
      d = Lanes.load(at + 3L * Lanes.BYTES).fma(factor, d);
    }
    Lanes.store(a, z);
    Lanes.store(b, z + Lanes.BYTES);
    Lanes.store(c, z + 2L * Lanes.BYTES);
    Lanes.store(d, z + 3L * Lanes.BYTES);
  }

  private static void narrow(long x, long y, long z, int k, int n) {
    var sum = Lanes.zero();
    for (int i = 0; i < k; i++) {
      var factor = FloatVector.broadcast(Lanes.F32, Lanes.get(x + (long) i * Float.BYTES));
      sum = Lanes.load(y + (long) i * n * Float.BYTES).fma(factor, sum);
    }
    Lanes.store(sum, z);
  }
}
