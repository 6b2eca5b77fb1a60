package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class IntegerLinearTest {
  private static final ComputePool POOL = new ComputePool(3);

  @AfterAll
  static void close() {
    POOL.close();
  }

  static Stream<DType.Quantized> types() {
    return Stream.of(32, 64, 128)
        .flatMap(group ->
            Stream.of(4, 8)
                .flatMap(width ->
                    Stream.of(false, true).map(a -> new DType.Quantized(width, group, a))));
  }

  @ParameterizedTest
  @MethodSource("types")
  void agreesWithTheDefinitionAtOddSizesInEveryTarget(DType.Quantized type) {
    for (int n : new int[] {1, 31, 130}) {
      for (int k : new int[] {1, 97, 300}) {
        check(type, n, k, true, 1, 3, 17);
      }
    }
    check(type, 70, 520, false, 2, 4, 5, 6, 7, 31);
    // So many panels that tasks have several, of which each asks for the next.
    check(type, 833, 97, true, 7, 13, 31);
  }

  private static void check(DType.Quantized type, int n, int k, boolean biased, int... rows) {
    Assumptions.assumeFalse(Targets.here().isEmpty(), "no target of machine code here");
    try (var arena = new GuardedArena()) {
      var weights = QuantizedWeights.random(arena, type, n, k);
      float[] bias = biased ? gaussian(n, 5) : null;
      for (int m : rows) {
        float[] x = gaussian(m * k, m);
        float[] reference = null;
        for (var target : Targets.here()) {
          float[] y = run(arena, weights, x, bias, m, target);
          if (reference == null) {
            compare(weights, x, bias, m, y);
            reference = y;
          }
          assertThat(y)
              .as("%s m=%d n=%d k=%d %s", type, m, n, k, target)
              .containsExactly(reference);
        }
      }
    }
  }

  private static float[] run(
      GuardedArena arena,
      QuantizedWeights weights,
      float[] x,
      float @Nullable [] bias,
      int m,
      Target target) {
    var layer =
        IntegerLinear.pack(
            POOL, weights.stored(), weights.type(), weights.n(), weights.k(), target, arena);
    var y = arena.floats(new float[m * weights.n()]);
    layer.run(POOL, arena.floats(x), bias == null ? null : arena.floats(bias), y, m);
    return y.toArray(ValueLayout.JAVA_FLOAT);
  }

  /** Against exact products of the weights with activations that were rounded as the kernels do. */
  private static void compare(
      QuantizedWeights weights, float[] x, float @Nullable [] bias, int m, float[] y) {
    int k = weights.k();
    for (int i = 0; i < m; i++) {
      float[] row = rounded(Arrays.copyOfRange(x, i * k, (i + 1) * k), weights.type().group());
      for (int j = 0; j < weights.n(); j++) {
        double sum = bias == null ? 0 : bias[j];
        double magnitude = Math.abs(sum);
        for (int p = 0; p < k; p++) {
          double product = (double) row[p] * weights.values()[j * k + p];
          sum += product;
          magnitude += Math.abs(product) + Math.abs(row[p]) * weights.cancelling();
        }
        assertThat((double) y[i * weights.n() + j])
            .as("%s m=%d n=%d k=%d [%d, %d]", weights.type(), m, weights.n(), k, i, j)
            .isCloseTo(sum, within(2e-6 * magnitude + 1e-30));
      }
    }
  }

  static float[] rounded(float[] row, int group) {
    float[] result = new float[row.length];
    for (int from = 0; from < row.length; from += group) {
      int to = Math.min(row.length, from + group);
      float most = 1e-30f;
      for (int i = from; i < to; i++) {
        most = Math.max(most, Math.abs(row[i]));
      }
      for (int i = from; i < to; i++) {
        result[i] = (float) Math.rint(row[i] * (127f / most)) * (most / 127f);
      }
    }
    return result;
  }

  @ParameterizedTest
  @MethodSource("types")
  void aRowHasTheSameBitsAloneAndInAnyBatch(DType.Quantized type) {
    int n = 45;
    int k = 333;
    int most = 31;
    try (var arena = new GuardedArena()) {
      var weights = QuantizedWeights.random(arena, type, n, k);
      float[] x = gaussian(most * k, 3);
      for (var target : Targets.here()) {
        float[][] alone = new float[most][];
        for (int i = 0; i < most; i++) {
          alone[i] =
              run(arena, weights, Arrays.copyOfRange(x, i * k, (i + 1) * k), null, 1, target);
        }
        for (int m : List.of(2, 3, 4, 5, 6, 17, 31)) {
          float[] batch = run(arena, weights, Arrays.copyOf(x, m * k), null, m, target);
          for (int i = 0; i < m; i++) {
            assertThat(Arrays.copyOfRange(batch, i * n, (i + 1) * n))
                .as("%s row %d of %d, %s", type, i, m, target)
                .containsExactly(alone[i]);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void zerosGiveZeros(DType.Quantized type) {
    try (var arena = new GuardedArena()) {
      var weights = QuantizedWeights.random(arena, type, 5, 40);
      for (var target : Targets.here()) {
        assertThat(run(arena, weights, new float[80], null, 2, target)).containsOnly(0f);
      }
    }
  }

  private static float[] gaussian(int count, long seed) {
    var random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
