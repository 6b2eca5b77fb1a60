package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.CacheWriter;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.ir.backend.Batch;
import org.jspecify.annotations.Nullable;

/** Writes keys, rotated if need be, and values to a paged cache, in machine code. */
public final class KvAppend implements CacheWriter {
  /** Elements per task. */
  private static final int TASK = 8 * 1024;

  private final @Nullable RopeTable rope;
  private final MachineCode rotate;
  private final MachineCode keys;
  private final MachineCode values;

  /**
   * For caches of one kind. The kernels are held here: where a token at a time is computed, a
   * search for them costs more than their work.
   *
   * @param kind of the caches
   * @param rope rotates the keys first; null if they are
   */
  public KvAppend(Target target, KvPages.Kind kind, @Nullable RopeTable rope) {
    var layout = new AttentionLayout(target, kind.format(), kind.keyDim(), kind.valueDim());
    this.rope = rope;
    rotate = Kernels.of(RopeRow.of(target, rope, kind.keyDim()));
    keys = Kernels.of(new KeyWriter(layout));
    values = Kernels.of(new ValueWriter(layout));
  }

  /**
   * Appends.
   *
   * @param cache as {@link PagedAttention#cache} makes it
   */
  @Override
  public void run(ComputePool pool, KvPages cache, MemorySegment k, MemorySegment v, Batch batch) {
    var kind = cache.kind();
    int heads = kind.heads();
    int keyElements = heads * kind.keyDim();
    int valueElements = heads * kind.valueDim();
    int tokens = batch.tokens();
    int[] position = batch.position();
    long newKeys = Operand.input("k", k, (long) tokens * keyElements);
    long newValues = Operand.input("v", v, (long) tokens * valueElements);
    int pageTokens = cache.pageTokens();
    cache.ensure(batch);
    if (rope != null) {
      rope.prepare(position);
    }
    pool.parallelFor(
        tokens,
        Math.max(1, TASK / (keyElements + valueElements)),
        (from, to) -> {
          long rotated = Scratch.reserve((long) keyElements * Float.BYTES);
          for (int t = (int) from; t < to; t++) {
            int page = cache.page(batch, t);
            int slot = position[t] % pageTokens;
            long key = newKeys + (long) t * keyElements * Float.BYTES;
            if (rope != null) {
              RopeRow.run(rotate, key, rotated, rope.row(position[t]), heads, 1f);
              key = rotated;
            }
            KeyWriter.run(keys, key, cache.keyGroup(page, 0, slot), heads, cache.keyHeadBytes());
            ValueWriter.run(
                values,
                newValues + (long) t * valueElements * Float.BYTES,
                cache.value(page, 0, slot),
                heads,
                cache.valueHeadBytes());
          }
        });
  }
}
