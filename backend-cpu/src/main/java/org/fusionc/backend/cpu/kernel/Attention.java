package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over a paged cache.
 *
 * <p>Tokens that follow each other in one sequence make a block, which shares its loads of keys and
 * values with all query heads of a key head. The context is cut into chunks at fixed positions;
 * each chunk has a softmax of its own, and chunks are merged in ascending order (Dao et al. 2022,
 * arXiv:2205.14135). So blocks, threads and the choice whether chunks run side by side change no
 * bit of a token's result.
 */
public final class Attention {

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

  private Attention() {}

  /**
   * {@code out[t, h] = Σ_p e^s · v[p] / (Σ_p e^s + e^sinks[h])} with {@code s = cap(scale · q ·
   * k[p]) + slopes[h] · (p - position[t])} over the positions p that the token sees. The tokens'
   * own keys and values must have been appended.
   *
   * @param q f32 [tokens, heads, keyDim]
   * @param slopes f32 [heads], or null
   * @param sinks f32 [heads], or null
   * @param out f32 [tokens, heads, valueDim]
   * @param sequence per token the row in {@code table}
   * @param position per token its position
   * @param table per sequence its pages, in order
   * @throws IllegalArgumentException if a visible position has no page
   */
  public static void run(
      ComputePool pool,
      KvPages cache,
      Shape shape,
      MemorySegment q,
      @Nullable MemorySegment slopes,
      @Nullable MemorySegment sinks,
      MemorySegment out,
      int[] sequence,
      int[] position,
      List<int[]> table) {
    if (shape.heads % cache.heads() != 0) {
      throw new IllegalArgumentException(
          shape.heads + " query heads are not a multiple of " + cache.heads());
    }
    int tokens = sequence.length;
    var work =
        new AttentionWork(
            cache,
            shape,
            Operand.input("q", q, (long) tokens * shape.heads * cache.keyDim()),
            slopes == null ? 0 : Operand.input("slopes", slopes, shape.heads),
            sinks == null ? 0 : Operand.input("sinks", sinks, shape.heads),
            Operand.output("out", out, (long) tokens * shape.heads * cache.valueDim()),
            sequence,
            position,
            table);
    int most = Math.max(1, BLOCK_ROWS / work.group());
    int[] starts = new int[tokens + 1];
    int blocks = 0;
    int chunks = 0;
    for (int t = 0; t < tokens; t += run(sequence, position, t, most)) {
      starts[blocks++] = t;
      int last = position[t] + run(sequence, position, t, most) - 1;
      chunks = Math.max(chunks, last / AttentionWork.CHUNK + 1);
    }
    starts[blocks] = tokens;
    long units = (long) blocks * cache.heads();
    if (chunks > 1 && units < 4L * pool.threads() && pool.threads() > 1) {
      split(pool, work, starts, blocks, chunks);
    } else {
      pool.parallelFor(
          units,
          1,
          (from, to) -> {
            for (long unit = from; unit < to; unit++) {
              int block = (int) (unit / work.keyHeads());
              int head = (int) (unit % work.keyHeads());
              work.whole(starts[block], starts[block + 1], head);
            }
          });
    }
  }

  /** Few blocks with a long context: the chunks run side by side. */
  private static void split(
      ComputePool pool, AttentionWork work, int[] starts, int blocks, int chunks) {
    int most = 0;
    for (int b = 0; b < blocks; b++) {
      most = Math.max(most, starts[b + 1] - starts[b]);
    }
    long bytes = work.stateBytes(most);
    long units = (long) blocks * work.keyHeads();
    long states = Scratch.reserveShared(units * chunks * bytes);
    pool.parallelFor(
        units * chunks,
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            long unit = task / chunks;
            int block = (int) (unit / work.keyHeads());
            int head = (int) (unit % work.keyHeads());
            int first = starts[block];
            int chunk = (int) (task % chunks);
            work.chunk(first, starts[block + 1], head, chunk, states + task * bytes);
          }
        });
    pool.parallelFor(
        units,
        1,
        (from, to) -> {
          for (long unit = from; unit < to; unit++) {
            int block = (int) (unit / work.keyHeads());
            int head = (int) (unit % work.keyHeads());
            int first = starts[block];
            int end = starts[block + 1];
            long state = states + unit * chunks * bytes;
            for (int chunk = 1; chunk < chunks; chunk++) {
              work.merge(state, state + chunk * bytes, end - first);
            }
            work.finish(first, end, head, state);
          }
        });
  }

  /** How many tokens from {@code first} on, at most {@code most}, follow each other. */
  private static int run(int[] sequence, int[] position, int first, int most) {
    int end = first + 1;
    while (end < sequence.length
        && end - first < most
        && sequence[end] == sequence[first]
        && position[end] == position[end - 1] + 1) {
      end++;
    }
    return end - first;
  }
}
