package org.fusionc.backend.cpu.kernel;

import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * The tokens of an attention cut into blocks: tokens that follow each other in one sequence, which
 * share their loads of keys and values. Here they are dealt out to threads.
 */
public final class TokenBlocks {
  private final int keyHeads;
  private final int[] starts;
  private final int count;
  private final int chunks;
  private final int longest;

  /**
   * Cuts.
   *
   * @param rows rows (tokens by query heads of a key head) that a block aims for
   * @param chunk positions of a chunk
   */
  public TokenBlocks(AttentionCall call, int rows, int chunk) {
    int[] sequence = call.batch().sequence();
    int[] position = call.batch().position();
    int tokens = sequence.length;
    int most = Math.max(1, rows / call.group());
    keyHeads = call.cache().kind().heads();
    starts = new int[tokens + 1];
    int blocks = 0;
    int found = 0;
    int size = 0;
    for (int t = 0; t < tokens; t = starts[blocks]) {
      int end = end(sequence, position, t, most);
      starts[++blocks] = end;
      size = Math.max(size, end - t);
      found = Math.max(found, position[end - 1] / chunk + 1);
    }
    count = blocks;
    chunks = found;
    longest = size;
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

  /** Tokens in the largest block. */
  public int longest() {
    return longest;
  }

  /** Does all blocks with all key heads. */
  public void run(ComputePool pool, AttentionSteps steps) {
    // Blocks come one after another with the same key head, whose keys and values are in a core's
    // cache then.
    long units = (long) count * keyHeads;
    if (chunks > 1 && units < 4L * pool.threads() && pool.threads() > 1) {
      split(pool, steps, units);
      return;
    }
    pool.parallelFor(
        units,
        1,
        (from, to) -> {
          for (long unit = from; unit < to; unit++) {
            int block = (int) (unit % count);
            steps.whole(starts[block], starts[block + 1], (int) (unit / count));
          }
        });
  }

  /** Few blocks with a long context: the chunks run side by side. */
  private void split(ComputePool pool, AttentionSteps steps, long units) {
    long bytes = steps.stateBytes();
    long states = Scratch.reserveShared(units * chunks * bytes);
    pool.parallelFor(
        units * chunks,
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            long unit = task / chunks;
            int block = (int) (unit % count);
            steps.chunk(
                starts[block],
                starts[block + 1],
                (int) (unit / count),
                (int) (task % chunks),
                states + task * bytes);
          }
        });
    pool.parallelFor(
        units,
        1,
        (from, to) -> {
          for (long unit = from; unit < to; unit++) {
            int block = (int) (unit % count);
            int first = starts[block];
            int end = starts[block + 1];
            long state = states + unit * chunks * bytes;
            for (int chunk = 1; chunk < chunks; chunk++) {
              steps.merge(state, state + chunk * bytes, end - first);
            }
            steps.finish(first, end, (int) (unit / count), state);
          }
        });
  }
}
