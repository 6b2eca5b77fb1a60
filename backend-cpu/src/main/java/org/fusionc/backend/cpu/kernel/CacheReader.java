package org.fusionc.backend.cpu.kernel;

import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.backend.Batch;

/** Attends to a paged cache; {@link Attention} says what is computed. */
@FunctionalInterface
public interface CacheReader {
  /**
   * Attends. The tokens' own keys and values must have been appended.
   *
   * @param cache as the {@link CacheWriter} that belongs to this one fills it
   * @throws IllegalArgumentException if an operand is too small, query heads are not a multiple of
   *     the cache's heads, or a visible position has no page
   */
  void run(ComputePool pool, KvPages cache, Attention.Operands operands, Batch batch);
}
