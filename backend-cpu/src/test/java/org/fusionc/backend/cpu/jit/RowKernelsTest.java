package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Norms and gated units in machine code against their definitions in f64, in every target. */
class RowKernelsTest {
  private static final ComputePool POOL = new ComputePool(3);

  @AfterAll
  static void close() {
    POOL.close();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 5", "17, 33", "2, 64", "31, 2049", "40, 1027", "1, 16384"})
  void normsAgreeWithTheDefinition(int rows, int width) {
    float[] x = gaussian(rows * width, 1);
    float[] residual = gaussian(rows * width, 2);
    float[] weight = gaussian(width, 3);
    double eps = 1e-5;
    for (var target : Targets.here()) {
      for (boolean added : new boolean[] {false, true}) {
        var norms = new RowNorms(target, width, eps, added);
        try (var arena = new GuardedArena()) {
          var sum = arena.floats(new float[rows * width]);
          var y = arena.floats(new float[rows * width]);
          norms.rms(
              POOL,
              arena.floats(x),
              added ? arena.floats(residual) : null,
              added ? sum : null,
              arena.floats(weight),
              y,
              rows);
          float[] actual = y.toArray(ValueLayout.JAVA_FLOAT);
          float[] sums = sum.toArray(ValueLayout.JAVA_FLOAT);
          for (int r = 0; r < rows; r++) {
            double squares = 0;
            for (int i = 0; i < width; i++) {
              int at = r * width + i;
              float value = added ? x[at] + residual[at] : x[at];
              assertThat(sums[at]).isEqualTo(added ? value : 0f);
              squares += (double) value * value;
            }
            double scale = 1 / Math.sqrt(squares / width + eps);
            for (int i = 0; i < width; i++) {
              int at = r * width + i;
              double expected = (added ? x[at] + residual[at] : x[at]) * scale * weight[i];
              assertThat((double) actual[at])
                  .as("%s [%d, %d]", target, r, i)
                  .isCloseTo(expected, within(6e-7 * Math.abs(expected) + 1e-30));
            }
          }
          for (int r = 0; r < rows; r += 7) {
            var alone = arena.floats(new float[width]);
            norms.rms(
                POOL,
                arena.floats(Arrays.copyOfRange(x, r * width, (r + 1) * width)),
                added
                    ? arena.floats(Arrays.copyOfRange(residual, r * width, (r + 1) * width))
                    : null,
                added ? arena.floats(new float[width]) : null,
                arena.floats(weight),
                alone,
                1);
            assertThat(alone.toArray(ValueLayout.JAVA_FLOAT))
                .containsExactly(Arrays.copyOfRange(actual, r * width, (r + 1) * width));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 33, 8192, 40_001})
  void gatedUnitsAgreeWithTheDefinition(int half) {
    int rows = 3;
    float[] x = gaussian(rows * 2 * half, half);
    for (int i = 0; i < x.length; i += 5) {
      x[i] *= 30;
    }
    for (var target : Targets.here()) {
      for (var kind : GatedUnits.Kind.values()) {
        var units = new GatedUnits(target, kind);
        try (var arena = new GuardedArena()) {
          var y = arena.floats(new float[rows * half]);
          units.packed(POOL, arena.floats(x), y, rows, half);
          float[] actual = y.toArray(ValueLayout.JAVA_FLOAT);
          for (int r = 0; r < rows; r++) {
            float[] gate = Arrays.copyOfRange(x, 2 * r * half, (2 * r + 1) * half);
            float[] up = Arrays.copyOfRange(x, (2 * r + 1) * half, (2 * r + 2) * half);
            for (int i = 0; i < half; i++) {
              double expected = f(kind, gate[i]) * up[i];
              double tolerance =
                  1e-6 * (1 + (kind == GatedUnits.Kind.SWIGLU ? 0 : Math.abs(inner(gate[i]))));
              assertThat((double) actual[r * half + i])
                  .as("%s %s of %s, %s", target, kind, gate[i], up[i])
                  .isCloseTo(expected, within(tolerance * Math.abs(expected) + 1e-36));
            }
            var apart = arena.floats(new float[half]);
            units.run(POOL, arena.floats(gate), arena.floats(up), apart, half);
            assertThat(apart.toArray(ValueLayout.JAVA_FLOAT))
                .containsExactly(Arrays.copyOfRange(actual, r * half, (r + 1) * half));
          }
        }
      }
    }
  }

  /** What the exponential is taken of; its rounding is multiplied by its size. */
  private static double inner(double x) {
    return 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
  }

  private static double f(GatedUnits.Kind kind, double x) {
    return switch (kind) {
      case SWIGLU -> x / (1 + Math.exp(-x));
      case GEGLU_TANH -> x / (1 + Math.exp(-inner(x)));
    };
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
