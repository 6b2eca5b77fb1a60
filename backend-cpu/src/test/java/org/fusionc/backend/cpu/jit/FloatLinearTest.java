package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FloatLinearTest {
  private static final ComputePool POOL = new ComputePool(3);

  @AfterAll
  static void close() {
    POOL.close();
  }

  @ParameterizedTest
  @EnumSource
  void agreesWithTheDefinitionAtOddSizesInEveryTarget(FloatFormat format) {
    for (int n : new int[] {1, 31, 130}) {
      for (int k : new int[] {1, 3, 16, 97, 300}) {
        check(format, n, k, true, 1, 3, 17);
      }
    }
    check(format, 70, 520, false, 2, 4, 5, 6, 7, 8, 9, 11, 31);
    // Rows that would lie a multiple of 1 KiB apart.
    check(format, 31, 511, false, 3, 13);
    check(format, 31, 1024, false, 2, 13);
    // So many panels that tasks have several, of which each asks for the next.
    check(format, 833, 97, true, 7, 13, 31);
  }

  private static void check(FloatFormat format, int n, int k, boolean biased, int... rows) {
    try (var arena = new GuardedArena()) {
      float[] w = new float[n * k];
      var stored = weights(arena, format, w);
      float[] bias = biased ? gaussian(n, 5) : null;
      for (int m : rows) {
        float[] x = gaussian(m * k, m);
        for (var target : Targets.here()) {
          float[] y = run(arena, stored, format, n, k, x, bias, m, target);
          boolean rounds = new FloatLayout(format, target).dotsHalves();
          for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
              double sum = bias == null ? 0 : bias[j];
              double magnitude = Math.abs(sum);
              for (int p = 0; p < k; p++) {
                float factor = rounds ? half(x[i * k + p]) : x[i * k + p];
                double product = (double) factor * w[j * k + p];
                sum += product;
                magnitude += Math.abs(product);
              }
              assertThat((double) y[i * n + j])
                  .as("%s %s m=%d n=%d k=%d [%d, %d]", format, target, m, n, k, i, j)
                  .isCloseTo(sum, within(2e-6 * magnitude + 1e-30));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRowHasTheSameBitsAloneAndInAnyBatch(FloatFormat format) {
    int n = 45;
    int k = 333;
    int most = 31;
    try (var arena = new GuardedArena()) {
      var stored = weights(arena, format, new float[n * k]);
      float[] x = gaussian(most * k, 3);
      for (var target : Targets.here()) {
        float[][] alone = new float[most][];
        for (int i = 0; i < most; i++) {
          float[] row = Arrays.copyOfRange(x, i * k, (i + 1) * k);
          alone[i] = run(arena, stored, format, n, k, row, null, 1, target);
        }
        for (int m : List.of(2, 3, 4, 5, 6, 8, 12, 17, 31)) {
          float[] part = Arrays.copyOf(x, m * k);
          float[] batch = run(arena, stored, format, n, k, part, null, m, target);
          for (int i = 0; i < m; i++) {
            assertThat(Arrays.copyOfRange(batch, i * n, (i + 1) * n))
                .as("%s row %d of %d, %s", format, i, m, target)
                .containsExactly(alone[i]);
          }
        }
      }
    }
  }

  private static float[] run(
      GuardedArena arena,
      MemorySegment stored,
      FloatFormat format,
      int n,
      int k,
      float[] x,
      float @Nullable [] bias,
      int m,
      Target target) {
    var layer = FloatLinear.pack(POOL, stored, format, n, k, target, arena);
    var y = arena.floats(new float[m * n]);
    layer.run(POOL, arena.floats(x), bias == null ? null : arena.floats(bias), y, m);
    return y.toArray(ValueLayout.JAVA_FLOAT);
  }

  /** Random weights; {@code values} receives them as they were rounded. */
  private static MemorySegment weights(GuardedArena arena, FloatFormat format, float[] values) {
    float[] exact = gaussian(values.length, values.length);
    var stored = arena.allocate((long) values.length * format.bytes(), 2);
    for (int i = 0; i < values.length; i++) {
      long at = (long) i * format.bytes();
      switch (format) {
        case F32 -> {
          stored.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, exact[i]);
          values[i] = exact[i];
        }
        case F16 -> {
          short half = Float.floatToFloat16(exact[i]);
          stored.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, half);
          values[i] = Float.float16ToFloat(half);
        }
        case BF16 -> {
          values[i] = half(exact[i]);
          short upper = (short) (Float.floatToRawIntBits(values[i]) >>> 16);
          stored.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, upper);
        }
      }
    }
    return stored;
  }

  /** The nearest bf16, halves to even. */
  private static float half(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat((bits + 0x7FFF + (bits >>> 16 & 1)) & 0xFFFF_0000);
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
