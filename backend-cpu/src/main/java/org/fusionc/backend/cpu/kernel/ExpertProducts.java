package org.fusionc.backend.cpu.kernel;

import org.fusionc.backend.cpu.parallel.ComputePool;

/** The same linear layer of every expert: {@code n} outputs of {@code k} inputs each. */
@FunctionalInterface
public interface ExpertProducts {
  /**
   * {@code y[i, j] = Σ_k x[i, k] · w[expert][j, k] (+ bias[j])}. May use what {@link
   * Scratch#reserve} and {@link Scratch#reserveShared} give.
   *
   * @param x address of f32 [rows, k]
   * @param bias address of f32 [n]; 0 if there is none
   * @param y address of f32 [rows, n]
   */
  void run(ComputePool pool, int expert, long x, long bias, long y, int rows);

  /**
   * By the Vector API.
   *
   * @param weights [experts · n, k]
   */
  static ExpertProducts of(WeightMatrix weights, int n, int k) {
    return (pool, expert, x, bias, y, rows) ->
        Linear.run(pool, x, weights.from((long) expert * n), bias, y, rows, n, k);
  }
}
