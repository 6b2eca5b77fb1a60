package org.fusionc.backend.cpu.kernel;

import org.fusionc.ir.backend.Batch;

/**
 * One attention, checked: what its steps share.
 *
 * @param q the address of f32 [tokens, heads, keyDim]
 * @param slopes the address of f32 [heads]; 0 if there are none
 * @param sinks the address of f32 [heads]; 0 if there are none
 * @param out the address of f32 [tokens, heads, valueDim]
 */
public record AttentionCall(
    KvPages cache, Attention.Shape shape, Batch batch, long q, long slopes, long sinks, long out) {
  /**
   * Checks the operands.
   *
   * @throws IllegalArgumentException if one is too small or not in native memory, or query heads
   *     are not a multiple of the cache's heads
   */
  public static AttentionCall of(
      KvPages cache, Attention.Shape shape, Attention.Operands operands, Batch batch) {
    var kind = cache.kind();
    if (shape.heads() % kind.heads() != 0) {
      throw new IllegalArgumentException(
          shape.heads() + " query heads are not a multiple of " + kind.heads());
    }
    long rows = (long) batch.tokens() * shape.heads();
    return new AttentionCall(
        cache,
        shape,
        batch,
        Operand.input("q", operands.q(), rows * kind.keyDim()),
        Operand.inputOrNone("slopes", operands.slopes(), shape.heads()),
        Operand.inputOrNone("sinks", operands.sinks(), shape.heads()),
        Operand.output("out", operands.out(), rows * kind.valueDim()));
  }

  /** Query heads of a key head. */
  public int group() {
    return shape.heads() / cache.kind().heads();
  }

  /** The position of a token. */
  public int position(int token) {
    return batch.position()[token];
  }

  /** The first position that a token sees. */
  public int firstVisible(int token) {
    return shape.firstVisible(position(token));
  }

  /** The index [token, head] of the first query head of a key head. */
  public long row(int token, int keyHead) {
    return (long) token * shape.heads() + (long) keyHead * group();
  }

  /**
   * The pages of a token's sequence.
   *
   * @param last a position that one of them must hold
   * @throws IllegalArgumentException if none does
   */
  public int[] pages(int token, int last) {
    int sequence = batch.sequence()[token];
    int[] pages = batch.pages().get(sequence);
    if (last / cache.pageTokens() >= pages.length) {
      throw new IllegalArgumentException(
          "position " + last + " of sequence " + sequence + " has no page");
    }
    return pages;
  }
}
