package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.backend.cpu.kernel.Attention;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over a paged cache, in machine code; what is computed is said at {@link
 * Attention}.
 *
 * <p>Tokens that follow each other in one sequence make a block. The context is cut into chunks at
 * fixed positions; each chunk has a softmax of its own, and chunks are merged in ascending order
 * (Dao et al. 2022, arXiv:2205.14135). So blocks, threads and the choice whether chunks run side by
 * side change no bit of a token's result.
 */
public final class PagedAttention {
  /** Rows (tokens by query heads) that a block aims for: whole tiles. */
  private static final int BLOCK_ROWS = 48;

  final AttentionKernels kernels;
  final Attention.Shape shape;
  final @Nullable RopeTable rope;
  final MachineCode rotate;
  final MachineCode weigh;
  final MachineCode finish;
  private final int keyHeads;

  /**
   * For caches of one kind. The kernels are held here: where a token at a time is computed, a
   * search for them costs more than some of their work.
   *
   * @param kind of the caches
   * @param rope rotates the queries first; null if they are
   * @param sloped whether there are slopes
   * @param sunk whether there are sinks
   * @throws IllegalArgumentException if query heads are not a multiple of the cache's heads
   */
  public PagedAttention(
      Target target,
      KvPages.Kind kind,
      Attention.Shape shape,
      @Nullable RopeTable rope,
      boolean sloped,
      boolean sunk) {
    keyHeads = kind.heads();
    if (shape.heads() % keyHeads != 0) {
      throw new IllegalArgumentException(
          shape.heads() + " query heads are not a multiple of " + keyHeads);
    }
    var layout = new AttentionLayout(target, kind.format(), kind.keyDim(), kind.valueDim());
    this.shape = shape;
    this.rope = rope;
    kernels = AttentionKernels.of(layout);
    rotate = Kernels.of(RopeRow.of(target, rope, kind.keyDim()));
    weigh = Kernels.of(new WeightRow(target, shape.softcap() > 0, sloped));
    finish = Kernels.of(new StateFinish(layout, sunk));
  }

  /** A cache that {@link #run} and {@link KvAppend} take. */
  public static KvPages cache(int pages, int pageTokens, KvPages.Kind kind) {
    return new KvPages(
        pages,
        pageTokens,
        kind.heads(),
        kind.keyDim(),
        kind.valueDim(),
        kind.format(),
        AttentionLayout.GROUP);
  }

  /**
   * Attends; see {@link Attention#run} for the formula. The tokens' own keys and values must have
   * been appended.
   *
   * @param cache as {@link #cache} makes it
   * @param q f32 [tokens, heads, keyDim]
   * @param slopes f32 [heads]; null if there are none
   * @param sinks f32 [heads]; null if there are none
   * @param out f32 [tokens, heads, valueDim]
   * @param sequence per token the row in {@code table}
   * @param position per token its position
   * @param table per sequence its pages, in order
   * @throws IllegalArgumentException if a visible position has no page
   */
  public void run(
      ComputePool pool,
      KvPages cache,
      MemorySegment q,
      @Nullable MemorySegment slopes,
      @Nullable MemorySegment sinks,
      MemorySegment out,
      int[] sequence,
      int[] position,
      List<int[]> table) {
    int heads = shape.heads();
    int tokens = sequence.length;
    Linears.check("q", q, (long) tokens * heads * cache.keyDim());
    Linears.check("out", out, (long) tokens * heads * cache.valueDim());
    if (rope != null) {
      rope.prepare(position);
    }
    int group = heads / keyHeads;
    int most = Math.max(1, BLOCK_ROWS / group);
    int[] starts = new int[tokens + 1];
    int blocks = 0;
    int chunks = 0;
    int longest = 0;
    for (int t = 0; t < tokens; t = starts[blocks]) {
      int end = end(sequence, position, t, most);
      starts[++blocks] = end;
      longest = Math.max(longest, end - t);
      chunks = Math.max(chunks, position[end - 1] / AttentionLayout.CHUNK + 1);
    }
    var work =
        new AttentionBlocks(
            this,
            cache,
            q.address(),
            address("slopes", slopes, heads),
            address("sinks", sinks, heads),
            out.address(),
            sequence,
            position,
            table,
            longest);
    long units = (long) blocks * cache.heads();
    if (chunks > 1 && units < 4L * pool.threads() && pool.threads() > 1) {
      split(pool, work, starts, blocks, cache.heads(), chunks);
      return;
    }
    int count = blocks;
    pool.parallelFor(
        units,
        1,
        (from, to) -> {
          for (long unit = from; unit < to; unit++) {
            int block = (int) (unit % count);
            work.whole(starts[block], starts[block + 1], (int) (unit / count));
          }
        });
  }

  private static long address(String name, @Nullable MemorySegment segment, int elements) {
    if (segment == null) {
      return 0;
    }
    Linears.check(name, segment, elements);
    return segment.address();
  }

  /** Few blocks with a long context: the chunks run side by side. */
  private static void split(
      ComputePool pool, AttentionBlocks work, int[] starts, int blocks, int heads, int chunks) {
    long bytes = work.stateBytes();
    long units = (long) blocks * heads;
    long states = Scratch.reserveShared(units * chunks * bytes);
    pool.parallelFor(
        units * chunks,
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            long unit = task / chunks;
            int block = (int) (unit % blocks);
            work.chunk(
                starts[block],
                starts[block + 1],
                (int) (unit / blocks),
                (int) (task % chunks),
                states + task * bytes);
          }
        });
    pool.parallelFor(
        units,
        1,
        (from, to) -> {
          for (long unit = from; unit < to; unit++) {
            int block = (int) (unit % blocks);
            int first = starts[block];
            int end = starts[block + 1];
            long state = states + unit * chunks * bytes;
            for (int chunk = 1; chunk < chunks; chunk++) {
              work.merge(state, state + chunk * bytes, end - first);
            }
            work.finish(first, end, (int) (unit / blocks), state);
          }
        });
  }

  /** After the last token that follows {@code first}, at most {@code most} of them. */
  private static int end(int[] sequence, int[] position, int first, int most) {
    int end = first + 1;
    while (end < sequence.length
        && end - first < most
        && sequence[end] == sequence[first]
        && position[end] == position[end - 1] + 1) {
      end++;
    }
    return end;
  }
}
