package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.kernel.Attention;
import org.fusionc.backend.cpu.kernel.AttentionCall;
import org.fusionc.backend.cpu.kernel.CacheReader;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.kernel.TokenBlocks;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.ir.backend.Batch;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over a paged cache, in machine code; what is computed is said at {@link
 * Attention}.
 *
 * <p>A block's rows are done in tiles that fit the registers, and a tile never changes the order in
 * which a row is computed.
 */
public final class PagedAttention implements CacheReader {
  /** Rows (tokens by query heads) that a block aims for: whole tiles. */
  private static final int BLOCK_ROWS = 48;

  final AttentionKernels kernels;
  final Attention.Shape shape;
  final @Nullable RopeTable rope;
  final MachineCode rotate;
  final MachineCode weigh;
  final MachineCode finish;

  /**
   * For caches of one kind. The kernels are held here: where a token at a time is computed, a
   * search for them costs more than some of their work.
   *
   * @param kind of the caches
   * @param rope rotates the queries first; null if they are
   * @param sloped whether there are slopes
   * @param sunk whether there are sinks
   */
  public PagedAttention(
      Target target,
      KvPages.Kind kind,
      Attention.Shape shape,
      @Nullable RopeTable rope,
      boolean sloped,
      boolean sunk) {
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
    return new KvPages(pages, pageTokens, kind, AttentionLayout.GROUP);
  }

  /**
   * Attends.
   *
   * @param cache as {@link #cache} makes it
   */
  @Override
  public void run(ComputePool pool, KvPages cache, Attention.Operands operands, Batch batch) {
    var call = AttentionCall.of(cache, shape, operands, batch);
    if (rope != null) {
      rope.prepare(batch.position());
    }
    var blocks = new TokenBlocks(call, BLOCK_ROWS, AttentionLayout.CHUNK);
    blocks.run(pool, new AttentionBlocks(this, call, blocks.longest()));
  }
}
