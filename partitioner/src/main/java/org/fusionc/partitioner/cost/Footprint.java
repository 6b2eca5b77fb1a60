package org.fusionc.partitioner.cost;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The memory that a range of a chain takes. It never shrinks when the range grows, which is what
 * lets the solver find the ranges that fit a device by moving two fingers along the chain.
 */
public final class Footprint {
  /**
   * What a range takes, in bytes.
   *
   * @param weights each counted once
   * @param kv for the stated context and batch
   * @param activations the most that is alive at once
   */
  public record Need(double weights, double kv, double activations) {
    public double total() {
      return weights + kv + activations;
    }
  }

  private final int size;

  /** Weights that only one op reads, summed before op {@code i}. */
  private final double[] ownWeights;

  private final double[] kv;

  /** By weight that several ops read: its size, and the first op at or after {@code i} with it. */
  private final double[] sharedBytes;

  private final int[][] nextUse;

  /** {@code peaks[k][i]}: the most alive in ops {@code i … i + 2^k - 1}. */
  private final double[][] peaks;

  /**
   * @param context tokens kept per sequence
   * @param batch sequences
   * @param steps the runs whose activations must fit, one at a time
   */
  public Footprint(Chain chain, int context, int batch, List<Step> steps) {
    size = chain.size();
    ownWeights = new double[size + 1];
    kv = new double[size + 1];
    var uses = new LinkedHashMap<Object, List<Integer>>();
    var bytes = new HashMap<Object, Double>();
    for (int op = 0; op < size; op++) {
      for (var held : chain.weights(op)) {
        uses.computeIfAbsent(held.key(), _ -> new ArrayList<>()).add(op);
        bytes.put(held.key(), held.bytes());
      }
    }
    var own = new double[size];
    var shared = new LinkedHashMap<Object, List<Integer>>();
    uses.forEach((key, ops) -> {
      if (ops.getFirst().equals(ops.getLast())) {
        own[ops.getFirst()] += bytes.getOrDefault(key, 0.0);
      } else {
        shared.put(key, ops);
      }
    });
    for (int op = 0; op < size; op++) {
      ownWeights[op + 1] = ownWeights[op] + own[op];
      kv[op + 1] = kv[op] + chain.kvBytesPerToken(op) * context * batch;
    }
    sharedBytes = new double[shared.size()];
    nextUse = new int[shared.size()][];
    fillShared(shared, bytes);
    peaks = peaks(chain, steps);
  }

  private void fillShared(Map<Object, List<Integer>> shared, Map<Object, Double> bytes) {
    int index = 0;
    for (var entry : shared.entrySet()) {
      sharedBytes[index] = bytes.getOrDefault(entry.getKey(), 0.0);
      var next = new int[size + 1];
      next[size] = size;
      var reads = new boolean[size];
      entry.getValue().forEach(op -> reads[op] = true);
      for (int op = size - 1; op >= 0; op--) {
        next[op] = reads[op] ? op : next[op + 1];
      }
      nextUse[index++] = next;
    }
  }

  private static double[][] peaks(Chain chain, List<Step> steps) {
    int size = chain.size();
    var live = new double[size];
    for (var step : steps) {
      var one = chain.work(step).live();
      Arrays.setAll(live, op -> Math.max(live[op], one[op]));
    }
    var levels = new ArrayList<double[]>();
    levels.add(live);
    for (int span = 1; 2 * span <= size; span *= 2) {
      var below = levels.getLast();
      var level = new double[size - 2 * span + 1];
      int half = span;
      Arrays.setAll(level, op -> Math.max(below[op], below[op + half]));
      levels.add(level);
    }
    return levels.toArray(double[][]::new);
  }

  public int size() {
    return size;
  }

  /** What ops {@code from} to {@code to - 1} take together; nothing for an empty range. */
  public Need need(int from, int to) {
    return new Need(weights(from, to), kv[to] - kv[from], activations(from, to));
  }

  /** {@link Need#total} without the allocation; the solver asks often. */
  public double total(int from, int to) {
    return weights(from, to) + kv[to] - kv[from] + activations(from, to);
  }

  /** All of the chain's weights, each counted once, and its KV cache: what no plan can avoid. */
  public double leastTotal() {
    return weights(0, size) + kv[size];
  }

  private double weights(int from, int to) {
    double sum = ownWeights[to] - ownWeights[from];
    for (int i = 0; i < sharedBytes.length; i++) {
      if (nextUse[i][from] < to) {
        sum += sharedBytes[i];
      }
    }
    return sum;
  }

  private double activations(int from, int to) {
    if (from >= to) {
      return 0;
    }
    int level = 31 - Integer.numberOfLeadingZeros(to - from);
    return Math.max(peaks[level][from], peaks[level][to - (1 << level)]);
  }

  /**
   * By end {@code to}, the smallest {@code from} such that ops {@code from} to {@code to - 1} fit
   * into {@code capacity} bytes; {@code to} itself if not even the last of them fits.
   */
  public int[] fitting(double capacity) {
    var first = new int[size + 1];
    int from = 0;
    for (int to = 1; to <= size; to++) {
      while (from < to && total(from, to) > capacity) {
        from++;
      }
      first[to] = from;
    }
    return first;
  }
}
