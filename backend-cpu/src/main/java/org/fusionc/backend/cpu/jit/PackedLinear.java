package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/** A linear layer whose weights are packed for a target. */
public interface PackedLinear {

  /**
   * {@code y[i, j] = Σ_k x[i, k] · w[j, k] (+ bias[j])}. A row's result does not depend on the
   * other rows, to the bit.
   *
   * @param x f32 [m, k]
   * @param bias f32 [n], or null
   * @param y f32 [m, n], must not overlap the inputs
   * @throws IllegalArgumentException if a segment is too small
   */
  void run(ComputePool pool, MemorySegment x, @Nullable MemorySegment bias, MemorySegment y, int m);

  /** Bytes of the packed weights. */
  long bytes();
}
