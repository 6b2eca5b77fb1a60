package org.fusionc.backend.cpu.kernel;

import java.util.List;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Linear layers of every expert that read the same rows: of {@code n} outputs of {@code k} inputs
 * each.
 */
@FunctionalInterface
public interface ExpertProducts {
  /**
   * {@code y[l][i, j] = Σ_k x[i, k] · w[l][e][j, k] (+ bias[l][e, j])} for each layer l and the
   * rows i of each expert e. May use what {@link Scratch#reserve} and {@link Scratch#reserveShared}
   * give.
   *
   * @param starts [experts + 1]: expert e's rows are {@code starts[e] … starts[e + 1] - 1}
   * @param x address of f32 [rows, k]
   * @param bias of each layer, address of f32 [experts, n]; 0 if there is none
   * @param y of each layer, address of f32 [rows, n]
   */
  void run(ComputePool pool, int[] starts, long x, long[] bias, long[] y);

  /**
   * By the Vector API, one after the other.
   *
   * @param weights of each layer, [experts · n, k]
   */
  static ExpertProducts of(List<WeightMatrix> weights, int n, int k) {
    return (pool, starts, x, bias, y) -> {
      for (int e = 0; e + 1 < starts.length; e++) {
        int rows = starts[e + 1] - starts[e];
        long from = x + (long) starts[e] * k * Float.BYTES;
        for (int l = 0; rows > 0 && l < y.length; l++) {
          long added = bias[l] == 0 ? 0 : bias[l] + (long) e * n * Float.BYTES;
          long to = y[l] + (long) starts[e] * n * Float.BYTES;
          Linear.run(pool, from, weights.get(l).from((long) e * n), added, to, rows, n, k);
        }
      }
    };
  }
}
