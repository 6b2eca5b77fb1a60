package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.backend.Batch;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over a paged cache: {@code out[t, h] = Σ_p e^s · v[p] / (Σ_p e^s + e^sinks[h])}
 * with {@code s = cap(scale · q · k[p]) + slopes[h] · (p - position[t])} over the positions p that
 * the token sees.
 *
 * <p>The context is cut into chunks at fixed positions; each chunk has a softmax of its own, and
 * chunks are merged in ascending order (Dao et al. 2022, arXiv:2205.14135). So blocks, threads and
 * the choice whether chunks run side by side change no bit of a token's result.
 */
public final class Attention implements CacheReader {

  /** Rows (tokens by query heads) that a block aims for. */
  private static final int BLOCK_ROWS = 32;

  /**
   * What does not change between runs.
   *
   * @param heads query heads, a multiple of the cache's
   * @param scale factor on the product of query and key
   * @param window how many positions back count, the own included; 0 for all
   * @param softcap limit of the scores; 0 for none
   */
  public record Shape(int heads, float scale, int window, float softcap) {

    /** The first position that a token at {@code position} sees. */
    public int firstVisible(int position) {
      return window == 0 ? 0 : Math.max(0, position - window + 1);
    }
  }

  /**
   * What changes between runs, besides the cache.
   *
   * @param q f32 [tokens, heads, keyDim]
   * @param slopes f32 [heads]; null if there are none
   * @param sinks f32 [heads]; null if there are none
   * @param out f32 [tokens, heads, valueDim]
   */
  public record Operands(
      MemorySegment q,
      @Nullable MemorySegment slopes,
      @Nullable MemorySegment sinks,
      MemorySegment out) {}

  private final Shape shape;

  public Attention(Shape shape) {
    this.shape = shape;
  }

  @Override
  public void run(ComputePool pool, KvPages cache, Operands operands, Batch batch) {
    var call = AttentionCall.of(cache, shape, operands, batch);
    var blocks = new TokenBlocks(call, BLOCK_ROWS, AttentionWork.CHUNK);
    blocks.run(pool, new AttentionWork(call, blocks.longest()));
  }
}
