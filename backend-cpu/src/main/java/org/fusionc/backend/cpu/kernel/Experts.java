package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/**
 * Mixture of experts: each token runs through the gated feed-forward of its chosen experts.
 *
 * <p>Tokens are grouped by expert, so that an expert's weights are read once for all its tokens;
 * the results are added up per token in the order in which its experts are listed.
 *
 * @param gateUp gate and up, hidden outputs of d inputs each
 * @param down d outputs of hidden inputs
 * @param gateBias f32 [experts, hidden], or null
 * @param upBias f32 [experts, hidden], or null
 * @param downBias f32 [experts, d], or null
 */
public record Experts(
    int experts,
    int hidden,
    int d,
    ExpertProducts gateUp,
    ExpertProducts down,
    @Nullable MemorySegment gateBias,
    @Nullable MemorySegment upBias,
    @Nullable MemorySegment downBias,
    Gate gate) {

  /** Pairs of token and expert done together, at most. */
  private static final int BLOCK_PAIRS = 2048;

  /** Bytes that they may take in between, unless a single token's take more. */
  private static final long BLOCK_BYTES = 64 << 20;

  private static final int TASK = 8 * 1024;

  /**
   * {@code y[t] = Σ_k weights[t, k] · (down[e] · h + downBias[e])} with {@code e = ids[t, k]} and
   * {@code h = activation(gate[e] · x[t] + gateBias[e]) · (up[e] · x[t] + upBias[e])}.
   *
   * @param x f32 [tokens, d]
   * @param ids [tokens, chosen]: each token's experts
   * @param weights f32 [tokens, chosen]
   * @param y f32 [tokens, d]; not x's memory
   * @throws IllegalArgumentException if an id is not an expert's, or a segment too small
   */
  public void run(
      ComputePool pool,
      MemorySegment x,
      int[] ids,
      MemorySegment weights,
      MemorySegment y,
      int tokens,
      int chosen) {
    long from = Operand.input("x", x, (long) tokens * d);
    long share = Operand.input("weights", weights, (long) tokens * chosen);
    long to = Operand.output("y", y, (long) tokens * d);
    long most = Math.min(BLOCK_PAIRS, BLOCK_BYTES / Math.max(1, pairBytes()));
    int step = (int) Math.max(1, most / Math.max(1, chosen));
    for (int first = 0; first < tokens; first += step) {
      int count = Math.min(step, tokens - first);
      long pair = (long) first * chosen;
      block(
          pool,
          from + (long) first * d * Float.BYTES,
          Arrays.copyOfRange(ids, first * chosen, (first + count) * chosen),
          share + pair * Float.BYTES,
          to + (long) first * d * Float.BYTES,
          count,
          chosen);
    }
  }

  /** A row gathered and its result, and its gates and what they gate. */
  private long pairBytes() {
    return 2L * (d + hidden) * Float.BYTES;
  }

  private void block(
      ComputePool pool, long x, int[] ids, long weights, long y, int tokens, int chosen) {
    int pairs = tokens * chosen;
    int[] starts = starts(ids);
    int[] places = places(ids, starts);
    long rowBytes = (long) d * Float.BYTES;
    long hiddenBytes = (long) hidden * Float.BYTES;
    long gathered = Scratch.reserveOuter(pairs * pairBytes());
    long results = gathered + pairs * rowBytes;
    long gates = results + pairs * rowBytes;
    long ups = gates + pairs * hiddenBytes;
    pool.parallelFor(
        pairs,
        Math.max(1, TASK / Math.max(1, d)),
        (a, b) -> {
          for (int i = (int) a; i < b; i++) {
            long target = gathered + places[i] * rowBytes;
            Packing.row(x + i / chosen * rowBytes, FloatFormat.F32, d, target);
          }
        });
    gateUp.run(
        pool,
        starts,
        gathered,
        new long[] {bias(gateBias, hidden), bias(upBias, hidden)},
        new long[] {gates, ups});
    pool.parallelFor(
        (long) pairs * hidden,
        TASK,
        (a, b) -> {
          long at = a * Float.BYTES;
          gate.run(gates + at, ups + at, gates + at, b - a);
        });
    down.run(pool, starts, gates, new long[] {bias(downBias, d)}, new long[] {results});
    pool.parallelFor(
        tokens,
        Math.max(1, TASK / Math.max(1, d * chosen)),
        (a, b) -> {
          for (int t = (int) a; t < b; t++) {
            combine(t, chosen, places, weights, results, y + t * rowBytes);
          }
        });
  }

  private long bias(@Nullable MemorySegment biases, int width) {
    return biases == null ? 0 : Operand.input("bias", biases, (long) experts * width);
  }

  /** Where each expert's pairs start in the grouped order; one more entry for the end. */
  private int[] starts(int[] ids) {
    int[] starts = new int[experts + 1];
    for (int e : ids) {
      if (e < 0 || e >= experts) {
        throw new IllegalArgumentException("expert " + e + " of " + experts);
      }
      starts[e + 1]++;
    }
    for (int e = 0; e < experts; e++) {
      starts[e + 1] += starts[e];
    }
    return starts;
  }

  /** The place of each pair in the grouped order. */
  private static int[] places(int[] ids, int[] starts) {
    int[] next = starts.clone();
    int[] places = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      places[i] = next[ids[i]]++;
    }
    return places;
  }

  private void combine(int token, int chosen, int[] places, long weights, long results, long y) {
    for (int i = 0; i < d; i++) {
      Lanes.set(y + (long) i * Float.BYTES, 0f);
    }
    for (int k = 0; k < chosen; k++) {
      int pair = token * chosen + k;
      float weight = Lanes.get(weights + (long) pair * Float.BYTES);
      accumulate(results + (long) places[pair] * d * Float.BYTES, weight, y);
    }
  }

  private void accumulate(long x, float weight, long y) {
    int vectors = d / Lanes.COUNT;
    for (int i = 0; i < vectors; i++) {
      long at = (long) i * Lanes.BYTES;
      Lanes.store(Lanes.load(x + at).mul(weight).add(Lanes.load(y + at)), y + at);
    }
    for (int i = vectors * Lanes.COUNT; i < d; i++) {
      long at = (long) i * Float.BYTES;
      Lanes.set(y + at, Lanes.get(x + at) * weight + Lanes.get(y + at));
    }
  }
}
