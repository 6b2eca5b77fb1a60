package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.op.Activation;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class GatedProductTest {
  private static final ComputePool POOL = new ComputePool(2);

  @AfterAll
  static void close() {
    POOL.close();
  }

  static Stream<DType> types() {
    return Stream.of(
        new DType.Quantized(4, 32, false),
        new DType.Quantized(4, 128, true),
        new DType.Quantized(8, 64, false),
        DType.Scalar.F32,
        DType.Scalar.F16,
        DType.Scalar.BF16);
  }

  /** Halves of one panel, and of so many that tasks have several. */
  @ParameterizedTest
  @MethodSource("types")
  void hasTheBitsOfTheProductGatedAfterwards(DType type) {
    for (int n : new int[] {128, 128 * 17}) {
      for (int k : new int[] {1, 97}) {
        check(type, n, k, Activation.SILU, 1, 3, 7, 31);
      }
    }
  }

  /** More than are prepared at a time, and none. */
  @Test
  void takesAnyNumberOfRows() {
    check(DType.Scalar.BF16, 128, 16, Activation.SILU, 0, 1030);
  }

  @Test
  void noChannelsAreNoWork() {
    check(DType.Scalar.F32, 0, 16, Activation.SILU, 0, 1, 3);
  }

  @ParameterizedTest
  @EnumSource
  void gatesByAnyFunction(Activation function) {
    check(new DType.Quantized(4, 32, false), 256, 64, function, 1, 9, 150);
  }

  private static void check(DType type, int n, int k, Activation function, int... rows) {
    for (var target : Targets.here()) {
      try (var arena = new GuardedArena()) {
        var layer = layer(type, n, k, target, arena);
        var units = new GatedUnits(target, function);
        for (int m : rows) {
          for (var bias : new float[][] {new float[0], gaussian(n, 5)}) {
            var b = bias.length == 0 ? null : arena.floats(bias);
            var x = arena.floats(gaussian(m * k, m));
            var whole = arena.floats(new float[m * n]);
            var expected = arena.floats(new float[m * n / 2]);
            layer.run(POOL, x, b, whole, m);
            units.packed(POOL, whole, expected, m, n / 2);
            var y = arena.floats(new float[m * n / 2]);
            layer.gated(POOL, x, b, y, m, units);
            assertThat(floats(y))
                .as("%s m=%d n=%d k=%d %s", type, m, n, k, target)
                .containsExactly(floats(expected));
          }
        }
      }
    }
  }

  private static PackedLinear layer(DType type, int n, int k, Target target, GuardedArena arena) {
    return switch (type) {
      case DType.Quantized quantized -> {
        var weights = QuantizedWeights.random(arena, quantized, n, k);
        yield IntegerLinear.pack(POOL, weights.stored(), quantized, n, k, target, arena);
      }
      case DType.Scalar scalar -> {
        var stored = arena.allocate((long) n * k * FloatFormat.of(scalar).bytes(), 4);
        for (long i = 0; i < (long) n * k; i++) {
          Elements.setReal(scalar, stored, i, Math.sin(i));
        }
        yield FloatLinear.pack(POOL, stored, FloatFormat.of(scalar), n, k, target, arena);
      }
    };
  }

  @Test
  void weightsWithoutWholePanelsOnEachSideAreRefused() {
    for (var target : Targets.here()) {
      int n = PanelLayout.channels(target) * 3;
      try (var arena = new GuardedArena()) {
        var type = new DType.Quantized(8, 32, false);
        var weights = QuantizedWeights.random(arena, type, n, 32);
        var layer = IntegerLinear.pack(POOL, weights.stored(), type, n, 32, target, arena);
        var x = arena.floats(new float[32]);
        var y = arena.floats(new float[n / 2]);
        assertThat(PackedLinear.isHalved(target, n)).isFalse();
        var units = new GatedUnits(target, Activation.SILU);
        assertThatThrownBy(() -> layer.gated(POOL, x, null, y, 1, units))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("no whole panels");
      }
    }
  }

  private static float[] floats(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_FLOAT);
  }

  private static float[] gaussian(int count, int seed) {
    var random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
