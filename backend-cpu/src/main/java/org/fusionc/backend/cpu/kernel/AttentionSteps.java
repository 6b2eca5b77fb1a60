package org.fusionc.backend.cpu.kernel;

/**
 * What {@link TokenBlocks} schedules: a block is tokens {@code first … end-1}, which follow each
 * other in one sequence; it meets one key head, chunk by chunk of the context. A state holds what
 * the rows of a block (a token and a query head) have seen so far.
 */
public interface AttentionSteps {
  /** Bytes of the states of the largest block. */
  long stateBytes();

  /** Does a block from its first chunk to its last. */
  void whole(int first, int end, int keyHead);

  /** Does one chunk; rows that see nothing of it get an empty state. */
  void chunk(int first, int end, int keyHead, int chunk, long state);

  /** Takes the next chunk's states of some tokens into the ones so far. */
  void merge(long state, long next, int tokens);

  /** Divides by the sums of weights and writes the outputs. */
  void finish(int first, int end, int keyHead, long state);
}
