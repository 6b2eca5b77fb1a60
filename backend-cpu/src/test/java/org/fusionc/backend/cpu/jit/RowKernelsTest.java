package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.fusionc.backend.cpu.kernel.Definitions;
import org.fusionc.backend.cpu.kernel.Norms;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.op.Activation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Norms, activations and softmax in machine code against their definitions in f64, in every target.
 * Operands end at pages that nobody may touch.
 */
class RowKernelsTest {
  private static final ComputePool POOL = new ComputePool(3);
  private static final double EPS = 1e-5;

  @AfterAll
  static void close() {
    POOL.close();
  }

  /** A norm of rows of some width. */
  private record Norm(boolean layer, boolean added, boolean biased, int width) {
    RowNorms kernel(Target target) {
      return layer
          ? RowNorms.layer(target, width, EPS, added, biased)
          : RowNorms.rms(target, width, EPS, added);
    }

    /** What becomes of a row, before weight and bias; and how much of it rounding may move. */
    double[] definition(float[] row) {
      double mean = layer ? sum(row, 0, 1) / width : 0;
      double scale = 1 / Math.sqrt(sum(row, mean, 2) / width + EPS);
      double[] result = new double[width + 1];
      for (int i = 0; i < width; i++) {
        result[i] = (row[i] - mean) * scale;
      }
      result[width] = layer ? 0x1p-23 * scale * (Math.abs(mean) + 1) : 0;
      return result;
    }

    private static double sum(float[] row, double mean, int power) {
      double sum = 0;
      for (float x : row) {
        sum += Math.pow(x - mean, power);
      }
      return sum;
    }
  }

  /** The operands of a norm, some rows of them at a time. */
  private record Rows(
      Norm norm, float[] x, float[] residual, float[] weight, float[] bias, int count) {
    static Rows random(Norm norm, int count, float offset) {
      int width = norm.width;
      float[] x = gaussian(count * width, 1);
      for (int i = 0; i < x.length; i++) {
        x[i] += offset;
      }
      return new Rows(
          norm, x, gaussian(count * width, 2), gaussian(width, 3), gaussian(width, 4), count);
    }

    /** Runs rows {@code from … to-1}; gives y, then the sum if there is one. */
    float[][] run(Target target, int from, int to) {
      int width = norm.width;
      try (var arena = new GuardedArena()) {
        var sum = norm.added ? arena.floats(new float[(to - from) * width]) : null;
        var y = arena.floats(new float[(to - from) * width]);
        var operands =
            new Norms.Operands(
                arena.floats(Arrays.copyOfRange(x, from * width, to * width)),
                norm.added
                    ? arena.floats(Arrays.copyOfRange(residual, from * width, to * width))
                    : null,
                sum,
                arena.floats(weight),
                norm.biased ? arena.floats(bias) : null,
                y);
        norm.kernel(target).run(POOL, operands, to - from);
        return new float[][] {floats(y), floats(sum)};
      }
    }

    float[] row(int index) {
      float[] row = Arrays.copyOfRange(x, index * norm.width, (index + 1) * norm.width);
      for (int i = 0; norm.added && i < row.length; i++) {
        row[i] += residual[index * norm.width + i];
      }
      return row;
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 5", "17, 33", "2, 64", "31, 2049", "40, 1027", "1, 16384"})
  void normsAgreeWithTheDefinition(int rows, int width) {
    for (boolean added : new boolean[] {false, true}) {
      check(new Norm(false, added, false, width), rows, 0);
      for (boolean biased : new boolean[] {false, true}) {
        check(new Norm(true, added, biased, width), rows, 0);
        check(new Norm(true, added, biased, width), rows, 100);
      }
    }
  }

  private static void check(Norm norm, int count, float offset) {
    var rows = Rows.random(norm, count, offset);
    int width = norm.width;
    for (var target : Targets.here()) {
      float[][] results = rows.run(target, 0, count);
      float[] y = results[0];
      for (int r = 0; r < count; r++) {
        float[] row = rows.row(r);
        if (norm.added) {
          assertThat(Arrays.copyOfRange(results[1], r * width, (r + 1) * width))
              .containsExactly(row);
        }
        double[] expected = norm.definition(row);
        for (int i = 0; i < width; i++) {
          double scaled = expected[i] * rows.weight[i];
          double shift = norm.biased ? rows.bias[i] : 0;
          double tolerance =
              6e-7 * Math.abs(scaled)
                  + expected[width] * Math.abs(rows.weight[i])
                  + 1.2e-7 * Math.abs(shift)
                  + 1e-30;
          isClose(
              y[r * width + i],
              scaled + shift,
              tolerance,
              "%s %s + %s [%d, %d]",
              norm,
              target,
              offset,
              r,
              i);
        }
      }
      for (int r = 0; r < count; r += 7) {
        assertThat(rows.run(target, r, r + 1)[0])
            .as("%s %s row %d alone", norm, target, r)
            .containsExactly(Arrays.copyOfRange(y, r * width, (r + 1) * width));
      }
    }
  }

  @Test
  void aNormRefusesOtherOperandsThanItIsMadeFor() {
    for (var target : Targets.here()) {
      try (var arena = new GuardedArena()) {
        var x = arena.floats(1, 2, 3);
        var norms = RowNorms.layer(target, 3, EPS, false, false);
        assertThatThrownBy(() -> norms.run(POOL, new Norms.Operands(x, null, null, x, x, x), 1))
            .hasMessage("these norms are made for other operands");
        assertThatThrownBy(() -> norms.run(POOL, new Norms.Operands(x, null, null, x, null, x), 2))
            .hasMessage("x needs 24 bytes, but its segment has 12");
      }
    }
  }

  @Test
  void theSumOfNormsIsWritten() {
    for (var target : Targets.here()) {
      try (var arena = new GuardedArena()) {
        var row = arena.floats(new float[16]);
        var y = arena.floats(new float[16]);
        var operands = new Norms.Operands(row, row, y.asReadOnly(), row, null, y);
        assertThatThrownBy(() -> RowNorms.rms(target, 16, EPS, true).run(POOL, operands, 1))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("read-only");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 33, 8192, 40_001})
  void activationsAgreeWithTheDefinition(int half) {
    int rows = 2;
    float[] x = gaussian(rows * 2 * half, half);
    for (int i = 0; i < x.length; i += 5) {
      x[i] *= 30;
    }
    for (var function : Activation.values()) {
      for (int r = 0; r < rows; r++) {
        float[] gate = Arrays.copyOfRange(x, 2 * r * half, (2 * r + 1) * half);
        float[] up = Arrays.copyOfRange(x, (2 * r + 1) * half, (2 * r + 2) * half);
        double[] expected = new double[half];
        Arrays.setAll(expected, i -> definition(function, gate[i]));
        for (var target : Targets.here()) {
          try (var arena = new GuardedArena()) {
            var y = arena.floats(new float[half]);
            new Activations(target, function).run(POOL, arena.floats(gate), y, half);
            float[] plain = floats(y);
            float[] gated = floats(y);
            for (int i = 0; i < half; i++) {
              isClose(
                  plain[i],
                  expected[i],
                  tolerance(function, gate[i], expected[i]),
                  "%s %s of %s",
                  target,
                  function,
                  gate[i]);
              gated[i] *= up[i];
            }
            var units = new GatedUnits(target, function);
            units.run(POOL, arena.floats(gate), arena.floats(up), y, half);
            assertThat(floats(y)).as("%s gated %s", target, function).containsExactly(gated);
            if (r == 0) {
              var whole = arena.floats(new float[rows * half]);
              units.packed(POOL, arena.floats(x), whole, rows, half);
              assertThat(Arrays.copyOf(floats(whole), half)).containsExactly(gated);
            }
          }
        }
      }
    }
  }

  @Test
  void activationsOfLargeNumbersAndOfNone() {
    float[] x = {0f, -0f, 1e30f, -1e30f, -20f, Float.POSITIVE_INFINITY, Float.NaN};
    for (var target : Targets.here()) {
      try (var arena = new GuardedArena()) {
        var y = arena.floats(new float[x.length]);
        new Activations(target, Activation.GELU).run(POOL, arena.floats(x), y, x.length);
        float[] actual = floats(y);
        assertThat(Arrays.copyOf(actual, 3)).containsExactly(0f, -0f, 1e30f);
        assertThat(actual[3]).isZero();
        assertThat(actual[4]).isZero();
        assertThat(actual[5]).isInfinite().isPositive();
        assertThat(actual[6]).isNaN();
      }
    }
  }

  private static double definition(Activation function, double x) {
    return switch (function) {
      case SILU -> Definitions.silu(x);
      case GELU -> Definitions.gelu(x);
      case GELU_TANH -> Definitions.geluTanh(x);
    };
  }

  /** What an exponential is taken of is rounded, and that is multiplied by its size. */
  private static double tolerance(Activation function, double x, double expected) {
    double inner =
        switch (function) {
          case SILU -> 0;
          case GELU -> x * x / 2;
          case GELU_TANH -> 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
        };
    return 1e-6 * (1 + Math.abs(inner)) * Math.abs(expected) + 1e-36;
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 5", "17, 33", "2, 64", "31, 1027", "2, 128256"})
  void softmaxAgreesWithTheDefinition(int rows, int width) {
    float[] x = gaussian(rows * width, width);
    for (int i = 0; i < x.length; i++) {
      x[i] = x[i] * 5 - 300;
    }
    if (width > 4) {
      x[3] = Float.NEGATIVE_INFINITY;
    }
    for (var target : Targets.here()) {
      float[] actual = softmax(target, x, rows, width);
      for (int r = 0; r < rows; r++) {
        float[] row = Arrays.copyOfRange(x, r * width, (r + 1) * width);
        double max = Double.NEGATIVE_INFINITY;
        for (float value : row) {
          max = Math.max(max, value);
        }
        double sum = 0;
        for (float value : row) {
          sum += Math.exp(value - max);
        }
        for (int i = 0; i < width; i++) {
          double expected = Math.exp(row[i] - max) / sum;
          isClose(
              actual[r * width + i],
              expected,
              4e-7 * expected + 1e-37,
              "%s [%d, %d]",
              target,
              r,
              i);
        }
        if (r % 7 == 0) {
          assertThat(softmax(target, row, 1, width))
              .as("%s row %d alone", target, r)
              .containsExactly(Arrays.copyOfRange(actual, r * width, (r + 1) * width));
        }
      }
    }
  }

  @Test
  void softmaxOfWhatHasNoneIsNotANumber() {
    float none = Float.NEGATIVE_INFINITY;
    for (var target : Targets.here()) {
      assertThat(softmax(target, new float[] {none, none}, 1, 2))
          .containsExactly(Float.NaN, Float.NaN);
      float[] poisoned = gaussian(40, 1);
      poisoned[20] = Float.NaN;
      float[] all = new float[40];
      Arrays.fill(all, Float.NaN);
      assertThat(softmax(target, poisoned, 1, 40)).containsExactly(all);
    }
  }

  private static float[] softmax(Target target, float[] x, int rows, int width) {
    try (var arena = new GuardedArena()) {
      var y = arena.floats(new float[rows * width]);
      new RowSoftmax(target).run(POOL, arena.floats(x), y, rows, width);
      return floats(y);
    }
  }

  private static float[] floats(@Nullable MemorySegment segment) {
    return segment == null ? new float[0] : segment.toArray(ValueLayout.JAVA_FLOAT);
  }

  /** An assertion by the million. */
  private static void isClose(
      double actual, double expected, double tolerance, String name, Object... parts) {
    if (!(Math.abs(actual - expected) <= tolerance)) {
      assertThat(actual).as(name, parts).isCloseTo(expected, within(tolerance));
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
