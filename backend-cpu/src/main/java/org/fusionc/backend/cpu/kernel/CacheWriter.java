package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.backend.Batch;

/** Appends keys and values to a paged cache. */
@FunctionalInterface
public interface CacheWriter {
  /**
   * Writes keys and values of the tokens of a batch.
   *
   * @param k f32 [tokens, heads, keyDim]
   * @param v f32 [tokens, heads, valueDim]
   * @throws IllegalArgumentException if an operand is too small, or a page number is out of range
   */
  void run(ComputePool pool, KvPages cache, MemorySegment k, MemorySegment v, Batch batch);
}
