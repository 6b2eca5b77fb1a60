package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/** Writes keys, rotated if need be, and values to a paged cache, in machine code. */
public final class KvAppend {
  /** Elements per task. */
  private static final int TASK = 8 * 1024;

  private KvAppend() {}

  /**
   * Appends some tokens.
   *
   * @param cache as {@link PagedAttention#cache} makes it
   * @param rope rotates the keys first; null if they are
   * @param k f32 [tokens, heads, keyDim]
   * @param v f32 [tokens, heads, valueDim]
   * @param sequence per token the row in {@code table}
   * @param position per token its position
   * @param table per sequence its pages, in order
   * @throws IllegalArgumentException if a page number is out of range
   */
  public static void run(
      Target target,
      ComputePool pool,
      KvPages cache,
      @Nullable RopeTable rope,
      MemorySegment k,
      MemorySegment v,
      int[] sequence,
      int[] position,
      List<int[]> table) {
    int heads = cache.heads();
    int keyDim = cache.keyDim();
    int tokens = sequence.length;
    int keyElements = heads * keyDim;
    int valueElements = heads * cache.valueDim();
    Linears.check("k", k, (long) tokens * keyElements);
    Linears.check("v", v, (long) tokens * valueElements);
    int pageTokens = cache.pageTokens();
    for (int t = 0; t < tokens; t++) {
      cache.ensure(table.get(sequence[t])[position[t] / pageTokens]);
    }
    if (rope != null) {
      rope.prepare(position);
    }
    var layout = new AttentionLayout(target, cache.format(), keyDim, cache.valueDim());
    var rotate = rope == null ? null : Kernels.of(RopeRow.of(target, rope, keyDim));
    var keys = Kernels.of(new KeyWriter(layout));
    var values = Kernels.of(new ValueWriter(layout));
    pool.parallelFor(
        tokens,
        Math.max(1, TASK / (keyElements + valueElements)),
        (from, to) -> {
          long rotated = Scratch.reserve((long) keyElements * Float.BYTES);
          for (int t = (int) from; t < to; t++) {
            int page = table.get(sequence[t])[position[t] / pageTokens];
            int slot = position[t] % pageTokens;
            long key = k.address() + (long) t * keyElements * Float.BYTES;
            if (rope != null && rotate != null) {
              RopeRow.run(rotate, key, rotated, rope.row(position[t]), heads, 1f);
              key = rotated;
            }
            KeyWriter.run(keys, key, cache.keyGroup(page, 0, slot), heads, cache.keyHeadBytes());
            ValueWriter.run(
                values,
                v.address() + (long) t * valueElements * Float.BYTES,
                cache.value(page, 0, slot),
                heads,
                cache.valueHeadBytes());
          }
        });
  }
}
