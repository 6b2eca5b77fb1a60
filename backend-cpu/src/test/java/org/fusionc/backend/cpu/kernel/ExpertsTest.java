package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.jit.PackedExperts;
import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.jit.WeightPacking;
import org.fusionc.backend.cpu.jit.WeightRows;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ExpertsTest {

  private static final ComputePool POOL = new ComputePool(2);
  private static final int COUNT = 5;

  @AfterAll
  static void close() {
    POOL.close();
  }

  /** Experts with their weights as numbers, [experts, n, k] each. */
  private record Layers(Experts experts, float[] gate, float[] up, float[] down) {}

  /** The weights of a layer of all experts, [experts, n, k]. */
  private record Layer(MemorySegment data, FloatFormat format, int n, int k) {
    static Layer random(Buffers buffers, FloatFormat format, int n, int k) {
      return new Layer(buffers.random(COUNT * n * k, format), format, n, k);
    }

    float[] numbers() {
      var numbers = new float[COUNT * n * k];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = Lanes.get(data.address(), format, i);
      }
      return numbers;
    }

    WeightMatrix matrix() {
      return WeightMatrix.of(data, format, COUNT * n, k);
    }

    List<PackedLinear> packed(Target target) {
      var rows = WeightRows.of(data, DType.Scalar.valueOf(format.name()), COUNT * n, k);
      var packed = new ArrayList<PackedLinear>();
      for (int e = 0; e < COUNT; e++) {
        packed.add(WeightPacking.pack(POOL, rows.range((long) e * n, n), target, Arena.ofAuto()));
      }
      return packed;
    }
  }

  /** By the Vector API if there is no target. */
  private static ExpertProducts products(@Nullable Target target, Layer... layers) {
    return target == null
        ? ExpertProducts.of(Stream.of(layers).map(Layer::matrix).toList(), layers[0].n, layers[0].k)
        : new PackedExperts(Stream.of(layers).map(l -> l.packed(target)).toList());
  }

  private static Layers experts(
      Buffers buffers,
      int hidden,
      int d,
      FloatFormat format,
      Gating.Kind kind,
      boolean biases,
      @Nullable Target target) {
    var gate = Layer.random(buffers, format, hidden, d);
    var up = Layer.random(buffers, format, hidden, d);
    var down = Layer.random(buffers, FloatFormat.F32, d, hidden);
    var experts =
        new Experts(
            COUNT,
            hidden,
            d,
            products(target, gate, up),
            products(target, down),
            biases ? buffers.random(COUNT * hidden) : null,
            biases ? buffers.random(COUNT * hidden) : null,
            biases ? buffers.random(COUNT * d) : null,
            new Gating(kind, 1.5f, 2f));
    return new Layers(experts, gate.numbers(), up.numbers(), down.numbers());
  }

  /** No target for the Vector API, then those of machine code that run here. */
  private static List<Optional<Target>> targets() {
    return Stream.of(Tier.VECTOR, Tier.AVX2, Tier.AVX512)
        .filter(Tier::isHere)
        .map(Target::of)
        .toList();
  }

  private static int[] choices(Buffers buffers, int tokens, int chosen) {
    int[] ids = new int[tokens * chosen];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (buffers.random().nextInt(2) + 2 * (i % chosen)) % COUNT;
    }
    return ids;
  }

  @ParameterizedTest
  @EnumSource
  void agreesWithTheDefinition(Gating.Kind kind) {
    for (FloatFormat format : FloatFormat.values()) {
      for (var target : targets()) {
        check(kind, format, 1, 2, 7, 5, target.orElse(null));
        check(kind, format, 9, 2, 17, 33, target.orElse(null));
        check(kind, format, 31, 1, 16, 32, target.orElse(null));
        check(kind, format, 9, 3, 70, 131, target.orElse(null));
        check(kind, format, 1500, 2, 3, 3, target.orElse(null));
      }
    }
  }

  private static void check(
      Gating.Kind kind,
      FloatFormat format,
      int tokens,
      int chosen,
      int hidden,
      int d,
      @Nullable Target target) {
    try (var buffers = new Buffers(tokens + d)) {
      var layers = experts(buffers, hidden, d, format, kind, tokens % 2 == 1, target);
      Experts experts = layers.experts;
      MemorySegment x = buffers.random(tokens * d);
      int[] ids = choices(buffers, tokens, chosen);
      MemorySegment weights = buffers.random(tokens * chosen);
      MemorySegment y = buffers.empty((long) tokens * d);
      experts.run(POOL, x, ids, weights, y, tokens, chosen);
      buffers.checkGuards();
      float[] actual = Buffers.floats(y);
      float[] xs = Buffers.floats(x);
      float[] shares = Buffers.floats(weights);
      float[] gate = layers.gate;
      float[] up = layers.up;
      float[] down = layers.down;
      float[] gateBias = floats(experts.gateBias());
      float[] upBias = floats(experts.upBias());
      float[] downBias = floats(experts.downBias());
      for (int t = 0; t < tokens; t++) {
        double[] expected = new double[d];
        double magnitude = 0;
        for (int c = 0; c < chosen; c++) {
          int e = ids[t * chosen + c];
          double[] h = new double[hidden];
          for (int n = 0; n < hidden; n++) {
            double g = gateBias.length == 0 ? 0 : gateBias[e * hidden + n];
            double u = upBias.length == 0 ? 0 : upBias[e * hidden + n];
            for (int i = 0; i < d; i++) {
              g += (double) xs[t * d + i] * gate[(e * hidden + n) * d + i];
              u += (double) xs[t * d + i] * up[(e * hidden + n) * d + i];
            }
            h[n] = gated(kind, g, u);
          }
          for (int i = 0; i < d; i++) {
            double z = downBias.length == 0 ? 0 : downBias[e * d + i];
            for (int n = 0; n < hidden; n++) {
              z += h[n] * down[(e * d + i) * hidden + n];
              magnitude = Math.max(magnitude, Math.abs(h[n]));
            }
            expected[i] += shares[t * chosen + c] * z;
            magnitude = Math.max(magnitude, Math.abs(shares[t * chosen + c] * z));
          }
        }
        for (int i = 0; i < d; i++) {
          assertThat((double) actual[t * d + i]).isCloseTo(expected[i], within(1e-5 * magnitude));
        }
      }
    }
  }

  private static float[] floats(@Nullable MemorySegment segment) {
    return segment == null ? new float[0] : Buffers.floats(segment);
  }

  private static double gated(Gating.Kind kind, double g, double u) {
    return switch (kind) {
      case SILU -> Definitions.silu(g) * u;
      case GELU -> Definitions.gelu(g) * u;
      case GELU_TANH -> Definitions.geluTanh(g) * u;
      case RELU -> Math.max(g, 0) * u;
      case CLAMPED_SWIGLU -> {
        double low = Math.min(g, 2);
        yield (Math.min(Math.max(u, -2), 2) + 1) * low / (1 + Math.exp(-1.5 * low));
      }
    };
  }

  @Test
  void aTokenHasTheSameBitsAloneAndInABatch() {
    targets().forEach(target -> checkBits(target.orElse(null)));
  }

  private static void checkBits(@Nullable Target target) {
    try (var buffers = new Buffers(3)) {
      int d = 67;
      int tokens = 40;
      Experts experts =
          experts(buffers, 35, d, FloatFormat.BF16, Gating.Kind.SILU, true, target).experts;
      MemorySegment x = buffers.random(tokens * d);
      int[] ids = choices(buffers, tokens, 3);
      MemorySegment weights = buffers.random(tokens * 3);
      MemorySegment y = buffers.empty((long) tokens * d);
      experts.run(POOL, x, ids, weights, y, tokens, 3);
      for (int t = 0; t < tokens; t++) {
        MemorySegment alone = buffers.empty(d);
        experts.run(
            POOL,
            x.asSlice((long) t * d * 4, d * 4L),
            Arrays.copyOfRange(ids, t * 3, t * 3 + 3),
            weights.asSlice(t * 12L, 12),
            alone,
            1,
            3);
        assertThat(Buffers.floats(alone))
            .containsExactly(Buffers.floats(y.asSlice((long) t * d * 4, d * 4L)));
      }
    }
  }

  /** Without hidden channels there is nothing to add up, and without outputs nothing to write. */
  @Test
  void sizesMayBeNone() {
    for (var target : targets()) {
      for (int[] sizes : new int[][] {{0, 8}, {8, 0}, {0, 0}}) {
        try (var buffers = new Buffers(3)) {
          int d = sizes[1];
          var experts =
              experts(
                      buffers,
                      sizes[0],
                      d,
                      FloatFormat.F32,
                      Gating.Kind.SILU,
                      false,
                      target.orElse(null))
                  .experts;
          var y = buffers.random(5 * d);
          int[] ids = choices(buffers, 5, 2);
          experts.run(POOL, buffers.random(5 * d), ids, buffers.random(10), y, 5, 2);
          buffers.checkGuards();
          assertThat(Buffers.floats(y))
              .as("%s %s", target, sizes)
              .containsExactly(new float[5 * d]);
          experts.run(POOL, buffers.random(0), new int[0], buffers.random(0), y, 0, 2);
        }
      }
    }
  }

  @Test
  void refusesAnUnknownExpert() {
    try (var buffers = new Buffers(3)) {
      Experts experts =
          experts(buffers, 2, 2, FloatFormat.F32, Gating.Kind.SILU, false, null).experts;
      MemorySegment x = buffers.random(2);
      int[] ids = {COUNT};
      assertThatThrownBy(() -> experts.run(POOL, x, ids, x, buffers.empty(2), 1, 1))
          .hasMessage("expert 5 of 5");
    }
  }
}
