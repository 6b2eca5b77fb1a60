package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/**
 * A mixture of experts: the tokens are grouped by expert, so that an expert's weights are read once
 * per run; each token's shares are then added in the order in which its experts were chosen, so its
 * result does not depend on the batch.
 */
public final class Moe {
  /**
   * The sizes.
   *
   * @param tokens T
   * @param choices experts per token, K
   * @param experts E
   * @param width hidden size, D
   * @param inner the experts' size, N
   */
  public record Sizes(int tokens, int choices, int experts, int width, int inner) {}

  /** Weights of all experts: gate and up as [E, N, D], down as [E, D, N], biases f32 or null. */
  public record Weights(
      MemorySegment gate,
      MemorySegment up,
      FloatFormat format,
      MemorySegment down,
      FloatFormat downFormat,
      @Nullable MemorySegment gateBias,
      @Nullable MemorySegment upBias,
      @Nullable MemorySegment downBias) {}

  /** Combines the gate's and the up projection's outputs, element by element, into the first. */
  @FunctionalInterface
  public interface Activation {
    void apply(ComputePool pool, MemorySegment gate, MemorySegment up, int elements);
  }

  private Moe() {}

  /**
   * {@code y[t] = Σ_k weights[t, k] · expert[ids[t, k]](x[t])}.
   *
   * @param x f32 [T, D]
   * @param ids per token its experts, T·K of them
   * @param weights f32 [T, K]
   * @param y f32 [T, D]
   * @throws IndexOutOfBoundsException if an id is no expert
   */
  public static void run(
      ComputePool pool,
      MemorySegment x,
      int[] ids,
      MemorySegment weights,
      Weights parameters,
      Activation activation,
      MemorySegment y,
      Sizes sizes) {
    int shares = sizes.tokens * sizes.choices;
    var byExpert = grouped(ids, shares, sizes.experts);
    try (var arena = Arena.ofShared()) {
      long rowBytes = 4L * sizes.width;
      var outputs = arena.allocate(Math.max(1, shares * rowBytes), 64);
      int largest = Arrays.stream(byExpert).mapToInt(rows -> rows.length).max().orElse(0);
      var in = arena.allocate(Math.max(1, largest * rowBytes), 64);
      var gate = arena.allocate(Math.max(1, 4L * largest * sizes.inner), 64);
      var up = arena.allocate(Math.max(1, 4L * largest * sizes.inner), 64);
      var out = arena.allocate(Math.max(1, largest * rowBytes), 64);
      for (int e = 0; e < sizes.experts; e++) {
        int[] rows = byExpert[e];
        if (rows.length == 0) {
          continue;
        }
        for (int i = 0; i < rows.length; i++) {
          long token = rows[i] / sizes.choices;
          MemorySegment.copy(x, token * rowBytes, in, i * rowBytes, rowBytes);
        }
        project(
            pool,
            in,
            parameters.gate,
            parameters.format,
            parameters.gateBias,
            gate,
            e,
            rows.length,
            sizes.inner,
            sizes.width);
        project(
            pool,
            in,
            parameters.up,
            parameters.format,
            parameters.upBias,
            up,
            e,
            rows.length,
            sizes.inner,
            sizes.width);
        activation.apply(pool, gate, up, rows.length * sizes.inner);
        project(
            pool,
            gate,
            parameters.down,
            parameters.downFormat,
            parameters.downBias,
            out,
            e,
            rows.length,
            sizes.width,
            sizes.inner);
        for (int i = 0; i < rows.length; i++) {
          MemorySegment.copy(out, i * rowBytes, outputs, rows[i] * rowBytes, rowBytes);
        }
      }
      add(pool, outputs, weights, y, sizes);
    }
  }

  /** Per expert the shares (token · K + k) that chose it, ascending. */
  private static int[][] grouped(int[] ids, int shares, int experts) {
    var counts = new int[experts];
    for (int i = 0; i < shares; i++) {
      if (ids[i] < 0 || ids[i] >= experts) {
        throw new IndexOutOfBoundsException("expert " + ids[i] + " of " + experts);
      }
      counts[ids[i]]++;
    }
    var grouped = new int[experts][];
    for (int e = 0; e < experts; e++) {
      grouped[e] = new int[counts[e]];
      counts[e] = 0;
    }
    for (int i = 0; i < shares; i++) {
      grouped[ids[i]][counts[ids[i]]++] = i;
    }
    return grouped;
  }

  private static void project(
      ComputePool pool,
      MemorySegment in,
      MemorySegment weights,
      FloatFormat format,
      @Nullable MemorySegment bias,
      MemorySegment out,
      int expert,
      int rows,
      int outputs,
      int inputs) {
    long matrix = (long) outputs * inputs * format.bytes();
    Linear.run(
        pool,
        in,
        weights.asSlice(expert * matrix, matrix),
        format,
        bias == null ? null : bias.asSlice(4L * expert * outputs, 4L * outputs),
        out,
        rows,
        outputs,
        inputs);
  }

  private static void add(
      ComputePool pool,
      MemorySegment outputs,
      MemorySegment weights,
      MemorySegment y,
      Sizes sizes) {
    long from = outputs.address();
    long share = Operand.input("weights", weights, (long) sizes.tokens * sizes.choices);
    long to = Operand.output("y", y, (long) sizes.tokens * sizes.width);
    pool.parallelFor(
        sizes.tokens,
        1,
        (first, end) -> {
          for (long t = first; t < end; t++) {
            for (int i = 0; i < sizes.width; i++) {
              float sum = 0;
              for (int k = 0; k < sizes.choices; k++) {
                long row = t * sizes.choices + k;
                sum =
                    Math.fma(
                        Lanes.get(share + 4 * row),
                        Lanes.get(from + 4 * (row * sizes.width + i)),
                        sum);
              }
              Lanes.set(to + 4 * (t * sizes.width + i), sum);
            }
          }
        });
  }
}
