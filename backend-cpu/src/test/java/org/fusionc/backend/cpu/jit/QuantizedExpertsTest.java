package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.kernel.Definitions;
import org.fusionc.backend.cpu.kernel.ExpertProducts;
import org.fusionc.backend.cpu.kernel.Experts;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.fusionc.ir.op.Activation;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Mixtures of experts of quantised weights, in every target, against their definition in f64 with
 * activations rounded to 8 bits where the kernels do. Weights and operands end at pages that nobody
 * may touch.
 */
class QuantizedExpertsTest {
  private static final ComputePool POOL = new ComputePool(2);
  private static final int COUNT = 5;
  private static final int CHOSEN = 2;

  @AfterAll
  static void close() {
    POOL.close();
  }

  static Stream<DType.Quantized> types() {
    return IntegerLinearTest.types();
  }

  /** The weights of a mixture. */
  private record Layers(QuantizedWeights gate, QuantizedWeights up, QuantizedWeights down) {
    static Layers random(
        GuardedArena arena, DType.Quantized type, DType.Quantized up, int hidden, int d) {
      return new Layers(
          QuantizedWeights.random(arena, type, COUNT * hidden, d),
          QuantizedWeights.random(arena, up, COUNT * hidden, d),
          QuantizedWeights.random(arena, type, COUNT * d, hidden));
    }

    Experts experts(Target target) {
      int hidden = gate.n() / COUNT;
      return new Experts(
          COUNT,
          hidden,
          gate.k(),
          products(target, gate, up),
          products(target, down),
          null,
          null,
          null,
          new GatedUnits(target, Activation.SILU));
    }

    private static ExpertProducts products(Target target, QuantizedWeights... layers) {
      return new PackedExperts(Stream.of(layers).map(l -> packed(l, target)).toList());
    }

    private static List<PackedLinear> packed(QuantizedWeights weights, Target target) {
      var rows = WeightRows.of(weights.stored(), weights.type(), weights.n(), weights.k());
      int n = weights.n() / COUNT;
      var layers = new ArrayList<PackedLinear>();
      for (int e = 0; e < COUNT; e++) {
        var arena = java.lang.foreign.Arena.ofAuto();
        layers.add(WeightPacking.pack(POOL, rows.range((long) e * n, n), target, arena));
      }
      return layers;
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void agreesWithTheDefinitionAndHasTheSameBitsInAnyBatch(DType.Quantized type) {
    check(type, type, 33, 70, 9);
    check(type, type, 128, 131, 3);
  }

  /** Rows that were prepared for one of the two will not do for the other. */
  @Test
  void gateAndUpMayBeQuantisedDifferently() {
    var narrow = new DType.Quantized(4, 32, false);
    check(narrow, new DType.Quantized(8, 64, true), 33, 70, 9);
  }

  private static void check(
      DType.Quantized type, DType.Quantized up, int hidden, int d, int tokens) {
    var random = new Random(type.hashCode() + d);
    float[] x = new float[tokens * d];
    for (int i = 0; i < x.length; i++) {
      // Such as 8 bits hold: whatever the group, its largest is 1.
      x[i] = (i % d % 32 == 0 ? 127 : random.nextInt(255) - 127) / 127f;
    }
    int[] ids = random.ints(tokens * (long) CHOSEN, 0, COUNT).toArray();
    float[] shares = new float[tokens * CHOSEN];
    for (int i = 0; i < shares.length; i++) {
      shares[i] = random.nextFloat();
    }
    for (var target : Targets.here()) {
      try (var arena = new GuardedArena()) {
        var layers = Layers.random(arena, type, up, hidden, d);
        var experts = layers.experts(target);
        float[] actual = run(arena, experts, x, ids, shares, d);
        for (int t = 0; t < tokens; t++) {
          float[] own = Arrays.copyOfRange(x, t * d, (t + 1) * d);
          compare(layers, own, ids, shares, t, Arrays.copyOfRange(actual, t * d, (t + 1) * d));
          assertThat(
                  run(
                      arena,
                      experts,
                      own,
                      Arrays.copyOfRange(ids, t * CHOSEN, (t + 1) * CHOSEN),
                      Arrays.copyOfRange(shares, t * CHOSEN, (t + 1) * CHOSEN),
                      d))
              .as("%s %s token %d alone", type, target, t)
              .containsExactly(Arrays.copyOfRange(actual, t * d, (t + 1) * d));
        }
      }
    }
  }

  private static float[] run(
      GuardedArena arena, Experts experts, float[] x, int[] ids, float[] shares, int d) {
    var y = arena.floats(new float[x.length]);
    experts.run(POOL, arena.floats(x), ids, arena.floats(shares), y, x.length / d, CHOSEN);
    return y.toArray(ValueLayout.JAVA_FLOAT);
  }

  private static void compare(
      Layers layers, float[] x, int[] ids, float[] shares, int token, float[] actual) {
    int d = x.length;
    int hidden = layers.gate.n() / COUNT;
    double[] expected = new double[d];
    double[] tolerance = new double[d];
    for (int c = 0; c < CHOSEN; c++) {
      int e = ids[token * CHOSEN + c];
      float share = shares[token * CHOSEN + c];
      float[] h = new float[hidden];
      double largest = 0;
      for (int n = 0; n < hidden; n++) {
        double gate = product(layers.gate, e * hidden + n, x);
        double up = product(layers.up, e * hidden + n, x);
        h[n] = (float) (Definitions.silu(gate) * up);
        largest = Math.max(largest, Math.abs(h[n]));
      }
      float[] rounded = IntegerLinearTest.rounded(h, layers.down.type().group());
      for (int i = 0; i < d; i++) {
        expected[i] += share * product(layers.down, e * d + i, rounded);
        double magnitude = 0;
        double weight = 0;
        for (int n = 0; n < hidden; n++) {
          double w = Math.abs(layers.down.values()[(e * d + i) * hidden + n]);
          magnitude += Math.abs(h[n]) * (w + layers.down.cancelling());
          weight = Math.max(weight, w);
        }
        // One element may lie between two integers and go to the other one.
        tolerance[i] += share * (1e-5 * magnitude + largest / 127 * weight);
      }
    }
    for (int i = 0; i < d; i++) {
      assertThat((double) actual[i])
          .as("%s token %d element %d", layers.down.type(), token, i)
          .isCloseTo(expected[i], within(tolerance[i]));
    }
  }

  private static double product(QuantizedWeights weights, int row, float[] x) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += (double) x[i] * weights.values()[row * x.length + i];
    }
    return sum;
  }
}
