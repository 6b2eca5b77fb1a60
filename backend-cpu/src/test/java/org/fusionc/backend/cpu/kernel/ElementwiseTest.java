package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElementwiseTest {

  private static final ComputePool POOL = new ComputePool(2);
  private static final float[] SPECIAL = {
    0f,
    -0f,
    1f,
    -1f,
    1e-20f,
    -1e-20f,
    0.62f,
    0.63f,
    -0.99f,
    1.01f,
    5f,
    -5f,
    9f,
    -9f,
    20f,
    -20f,
    80f,
    -80f,
    88.7f,
    -87.3f,
    88.8f,
    -87.4f,
    -104f,
    3e38f,
    -3e38f,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN
  };

  @AfterAll
  static void close() {
    POOL.close();
  }

  private static DoubleUnaryOperator definition(UnaryOp op) {
    return switch (op) {
      case SILU -> Definitions::silu;
      case GELU -> Definitions::gelu;
      case GELU_TANH -> Definitions::geluTanh;
      case RELU -> x -> Math.max(x, 0);
      case TANH -> Math::tanh;
      case SIGMOID -> x -> 1 / (1 + Math.exp(-x));
      case EXP -> Math::exp;
      case ERF -> Definitions::erf;
      case SQRT -> Math::sqrt;
      case NEGATE -> x -> -x;
      case ABS -> Math::abs;
    };
  }

  /** Relative tolerance in units of the last place of an f32. */
  private static double ulps(UnaryOp op) {
    return switch (op) {
      case EXP -> 1.5;
      case TANH, SIGMOID, SILU -> 3;
      case ERF -> 4;
      case GELU, GELU_TANH -> 6;
      default -> 0.501;
    };
  }

  @ParameterizedTest
  @EnumSource
  void unaryIsAsAccurateAsItSays(UnaryOp op) {
    try (var buffers = new Buffers(op.ordinal())) {
      float[] values = new float[40_003];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (buffers.random().nextGaussian() * Math.pow(10, i % 5 - 2));
      }
      MemorySegment x = buffers.of(values);
      MemorySegment y = buffers.empty(values.length);
      Elementwise.unary(POOL, op, x, y, values.length);
      buffers.checkGuards();
      float[] actual = Buffers.floats(y);
      for (int i = 0; i < values.length; i++) {
        double expected = definition(op).applyAsDouble(values[i]);
        check(op, values[i], actual[i], expected);
      }
    }
  }

  private static void check(UnaryOp op, float x, float actual, double expected) {
    if (Double.isNaN(expected)) {
      assertThat(actual).as("%s(%s)", op, x).isNaN();
      return;
    }
    if (Math.abs(expected) > Float.MAX_VALUE) {
      assertThat(actual).as("%s(%s)", op, x).isEqualTo((float) expected);
      return;
    }
    // In the negative tail gelu's error grows with x², as that of e^(-x²/2) does.
    double grown = op == UnaryOp.GELU || op == UnaryOp.GELU_TANH ? 1 + (x < 0 ? x * x : 0) : 1;
    double magnitude = Math.max(Math.abs(expected), 4 * Float.MIN_NORMAL);
    double tolerance = ulps(op) * grown * 0x1p-23 * magnitude;
    // Exponentials below the least normal number are 0.
    double vanishing = 2 * Float.MIN_NORMAL * Math.max(1, Math.abs(x));
    if (Math.abs(expected) < vanishing) {
      tolerance = Math.max(tolerance, vanishing);
    }
    assertThat(Math.abs(actual - expected))
        .as("%s(%s) = %s, expected %s", op, x, actual, expected)
        .isLessThanOrEqualTo(tolerance);
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"SILU", "GELU", "GELU_TANH"})
  void unaryOfSpecialValues(UnaryOp op) {
    try (var buffers = new Buffers(1)) {
      MemorySegment x = buffers.of(SPECIAL);
      MemorySegment y = buffers.empty(SPECIAL.length);
      Elementwise.unary(POOL, op, x, y, SPECIAL.length);
      for (int i = 0; i < SPECIAL.length; i++) {
        double expected = definition(op).applyAsDouble(SPECIAL[i]);
        check(op, SPECIAL[i], Buffers.floats(y)[i], expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anElementHasTheSameBitsWhereverItStands(UnaryOp op) {
    try (var buffers = new Buffers(3)) {
      for (int n : new int[] {1, 3, 15, 16, 17, 31, 33}) {
        MemorySegment x = buffers.of(filled(n, 1.2345f));
        MemorySegment y = buffers.empty(n);
        Elementwise.unary(POOL, op, x, y, n);
        float[] actual = Buffers.floats(y);
        assertThat(actual).containsExactly(filled(n, actual[0]));
        buffers.checkGuards();
      }
    }
  }

  private static float[] filled(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return values;
  }

  private static DoubleBinaryOperator definition(BinaryOp op) {
    return switch (op) {
      case ADD -> Double::sum;
      case SUBTRACT -> (a, b) -> a - b;
      case MULTIPLY -> (a, b) -> a * b;
      case DIVIDE -> (a, b) -> a / b;
      case MINIMUM -> Math::min;
      case MAXIMUM -> Math::max;
      case SWIGLU -> (a, b) -> definition(UnaryOp.SILU).applyAsDouble(a) * b;
      case GEGLU -> (a, b) -> definition(UnaryOp.GELU).applyAsDouble(a) * b;
      case GEGLU_TANH -> (a, b) -> definition(UnaryOp.GELU_TANH).applyAsDouble(a) * b;
      case REGLU -> (a, b) -> Math.max(a, 0) * b;
    };
  }

  @ParameterizedTest
  @EnumSource
  void binaryWithEveryExtent(BinaryOp op) {
    for (int rows : new int[] {0, 1, 3}) {
      for (int columns : new int[] {1, 3, 17, 31, 64, 2051}) {
        for (Extent aExtent : Extent.values()) {
          for (Extent bExtent : Extent.values()) {
            checkBinary(op, rows, columns, aExtent, bExtent);
          }
        }
      }
    }
  }

  private static void checkBinary(
      BinaryOp op, int rows, int columns, Extent aExtent, Extent bExtent) {
    try (var buffers = new Buffers(rows + columns)) {
      MemorySegment a = buffers.random((int) aExtent.elements(rows, columns));
      MemorySegment b = buffers.random((int) bExtent.elements(rows, columns));
      MemorySegment y = buffers.empty((long) rows * columns);
      Elementwise.binary(POOL, op, a, aExtent, b, bExtent, y, rows, columns);
      buffers.checkGuards();
      float[] as = Buffers.floats(a);
      float[] bs = Buffers.floats(b);
      float[] actual = Buffers.floats(y);
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
          double expected =
              definition(op)
                  .applyAsDouble(
                      as[index(aExtent, i, j, columns)], bs[index(bExtent, i, j, columns)]);
          assertThat(Math.abs(actual[i * columns + j] - expected))
              .as("%s %s %s [%d, %d] of %d", op, aExtent, bExtent, i, j, columns)
              .isLessThanOrEqualTo(4e-6 * Math.abs(expected) + 1e-37);
        }
      }
    }
  }

  private static int index(Extent extent, int i, int j, int columns) {
    return switch (extent) {
      case FULL -> i * columns + j;
      case ROW -> j;
      case COLUMN -> i;
      case SCALAR -> 0;
    };
  }

  @Test
  void packedHalvesAndSoftcap() {
    for (int half : new int[] {1, 3, 16, 37}) {
      try (var buffers = new Buffers(half)) {
        int rows = 3;
        MemorySegment x = buffers.random(rows * 2 * half);
        MemorySegment y = buffers.empty((long) rows * half);
        Elementwise.packed(POOL, BinaryOp.SWIGLU, x, y, rows, half);
        float[] xs = Buffers.floats(x);
        for (int i = 0; i < rows; i++) {
          for (int j = 0; j < half; j++) {
            double gate = xs[i * 2 * half + j];
            double expected = gate / (1 + Math.exp(-gate)) * xs[i * 2 * half + half + j];
            assertThat(Buffers.floats(y)[i * half + j] - expected)
                .isBetween(-1e-6 * Math.abs(expected), 1e-6 * Math.abs(expected));
          }
        }
        MemorySegment z = buffers.empty((long) rows * half);
        Elementwise.softcap(POOL, 0.5f, y, z, (long) rows * half);
        buffers.checkGuards();
        for (int i = 0; i < rows * half; i++) {
          double capped = 0.5 * Math.tanh(Buffers.floats(y)[i] / 0.5);
          assertThat(Buffers.floats(z)[i] - capped).isBetween(-1e-7, 1e-7);
        }
      }
    }
  }
}
