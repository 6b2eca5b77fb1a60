package org.fusionc.ir.decompose;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.op.OpTable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** interpret(op) = interpret(decomposition of op), on random inputs of odd sizes. */
class DecomposerTest {
  private static final Dim T = RandomCase.T;
  private static final int ROUNDS = 12;

  /** Builds the results of one case; {@code i} chooses the variant. */
  private interface Subject {
    List<? extends Value> build(RandomCase c, int i);
  }

  private record Named(String name, Subject subject) {}

  private static Named one(
      String name, java.util.function.BiFunction<RandomCase, Integer, Value> f) {
    return new Named(name, (c, i) -> List.of(f.apply(c, i)));
  }

  private static final List<Named> SUBJECTS =
      List.of(
          one("linear", DecomposerTest::linear),
          one(
              "linear of a vector",
              (c, i) -> c.b.linear(c.normal(Scalar.F32, 5), c.normal(Scalar.BF16, 3, 5), null)),
          one(
              "rms_norm",
              (c, i) -> {
                var f = floating(i);
                return c.b.rmsNorm(c.normal(f, T, 3, 7), c.normal(Scalar.F32, 7), 1e-5);
              }),
          one(
              "layer_norm",
              (c, i) -> {
                var f = floating(i);
                var bias = i % 2 == 0 ? c.normal(Scalar.BF16, 7) : null;
                return c.b.layerNorm(c.normal(f, T, 7), c.normal(Scalar.F32, 7), bias, 1e-5);
              }),
          one("rope_frequencies", DecomposerTest::frequencies),
          one("rope", DecomposerTest::rope),
          one("attention", (c, i) -> attention(c, i, false)),
          new Named(
              "select_outputs",
              (c, i) -> {
                var at = c.at();
                return List.of(
                    c.b.selectOutputs(c.normal(Scalar.F16, T, 3), at),
                    c.b.selectOutputs(c.integers(Scalar.I32, 99, T), at));
              }),
          one(
              "swiglu",
              (c, i) -> c.b.swiglu(c.normal(floating(i), T, 5), c.normal(floating(i), T, 5))),
          one(
              "geglu",
              (c, i) ->
                  c.b.geglu(
                      c.normal(floating(i), T, 5),
                      c.normal(floating(i), T, 5),
                      i % 2 == 0 ? "none" : "tanh")),
          one("softcap", (c, i) -> c.b.softcap(c.normal(floating(i), T, 5), 0.7)),
          one("moe", DecomposerTest::moe),
          new Named(
              "add_rms_norm",
              (c, i) -> {
                var op =
                    c.b.addRmsNorm(
                        c.normal(Scalar.F32, T, 5),
                        c.normal(Scalar.F32, T, 5),
                        c.normal(Scalar.BF16, 5),
                        1e-6);
                return List.of(c.b.result(op, 0), c.b.result(op, 1));
              }),
          new Named(
              "add_layer_norm",
              (c, i) -> {
                var op =
                    c.b.addLayerNorm(
                        c.normal(Scalar.F32, T, 5),
                        c.normal(Scalar.F32, T, 5),
                        c.normal(Scalar.BF16, 5),
                        i % 2 == 0 ? c.normal(Scalar.F16, 5) : null,
                        1e-6);
                return List.of(c.b.result(op, 0), c.b.result(op, 1));
              }),
          one("rope_kv_append and rope_attention", (c, i) -> attention(c, i, true)),
          one("packed_swiglu", (c, i) -> c.b.packedSwiglu(c.normal(floating(i), T, 10))),
          one(
              "packed_geglu",
              (c, i) -> c.b.packedGeglu(c.normal(floating(i), T, 6), i % 2 == 0 ? "none" : "tanh")),
          one(
              "gated_linear",
              (c, i) ->
                  c.b.gatedLinear(
                      c.normal(floating(i), T, 5),
                      c.normal(Scalar.BF16, 6, 5),
                      i % 2 == 0 ? c.normal(Scalar.F32, 6) : null,
                      List.of("silu", "gelu", "gelu_tanh").get(i % 3))),
          new Named(
              "fused",
              (c, i) -> {
                var type = Type.tensor(Scalar.F32, T, Dim.of(5));
                var body = new FunctionBuilder(c.graph, "");
                var u = body.param("u", type);
                var v = body.param("v", Type.tensor(Scalar.F32, 5));
                var sum = body.add(body.mul(u, v), u);
                var fused =
                    c.b.fused(
                        List.of(c.normal(Scalar.F32, T, 5), c.normal(Scalar.F32, 5)),
                        body.build(body.silu(sum), sum));
                return List.of(c.b.result(fused, 0), c.b.result(fused, 1));
              }));

  private static Scalar floating(int i) {
    return List.of(Scalar.F32, Scalar.F64, Scalar.F16, Scalar.BF16).get(i % 4);
  }

  private static Value linear(RandomCase c, int i) {
    var bias = i % 2 == 0 ? c.normal(Scalar.F32, 3) : null;
    var x = i % 3 == 0 ? c.normal(floating(i), T, 2, 7) : c.normal(floating(i), T, 7);
    return c.b.linear(x, c.normal(floating(i / 2), 3, 7), bias);
  }

  private static Value frequencies(RandomCase c, int i) {
    var scaling = List.of("none", "linear", "llama3", "yarn", "longrope", "yarn").get(i % 6);
    int count = 1 + i;
    var factors = IntStream.range(0, count).mapToObj(j -> 1 + 0.3 * j).toList();
    return c.b.ropeFrequencies(
        i % 4 == 0 ? 500_000.0 : 10_000.0,
        scaling,
        8.0,
        1.0,
        4.0,
        64,
        32.0,
        1.0,
        i % 6 != 5,
        factors,
        Type.tensor(Scalar.F32, count));
  }

  private static Value rope(RandomCase c, int i) {
    int pairs = 1 + i % 3;
    int width = 2 * pairs + (i % 2 == 0 ? 0 : 3);
    return c.b.rope(
        c.normal(floating(i), T, 3, width),
        c.normal(Scalar.F32, pairs),
        c.at(),
        i % 4 < 2,
        i % 5 == 0 ? 1.25 : 1);
  }

  private static Value attention(RandomCase c, int i, boolean rotated) {
    int kvHeads = 1 + i % 2;
    int heads = kvHeads * (1 + i % 3);
    var at = c.at();
    var kv = c.kv(kvHeads, 4, 3, i % 4 == 1 ? Scalar.F16 : Scalar.F32);
    var f = i % 5 == 4 ? Scalar.F64 : Scalar.F32;
    var q = c.normal(f, T, heads, 4);
    var k = c.normal(f, T, kvHeads, 4);
    var v = c.normal(f, T, kvHeads, 3);
    @Nullable Value slopes = i % 3 == 1 ? c.normal(Scalar.F32, heads) : null;
    @Nullable Value sinks = i % 4 >= 2 ? c.normal(Scalar.BF16, heads) : null;
    long window = i % 5 == 0 ? 3 : 0;
    double softcap = i % 7 == 2 ? 1.5 : 0;
    if (rotated) {
      var freqs = c.normal(Scalar.F32, 2);
      boolean interleaved = i % 2 == 1;
      var next = c.b.ropeKvAppend(kv, k, v, freqs, at, interleaved, 1.1);
      return c.b.ropeAttention(
          q, next, freqs, at, slopes, sinks, interleaved, 1.1, 0.5, window, softcap);
    }
    return c.b.attention(q, c.b.kvAppend(kv, k, v, at), at, slopes, sinks, 0.5, window, softcap);
  }

  private static Value moe(RandomCase c, int i) {
    var activation = List.of("silu", "gelu", "gelu_tanh", "relu", "clamped_swiglu").get(i % 5);
    boolean biased = i % 2 == 0;
    return c.b.moe(
        c.normal(Scalar.F32, T, 3),
        c.integers(i % 3 == 0 ? Scalar.I64 : Scalar.I32, 4, T, 2),
        c.normal(Scalar.F32, T, 2),
        c.normal(Scalar.BF16, 4, 5, 3),
        c.normal(Scalar.BF16, 4, 5, 3),
        c.normal(Scalar.F16, 4, 3, 5),
        biased ? c.normal(Scalar.F32, 4, 5) : null,
        biased ? c.normal(Scalar.F32, 4, 5) : null,
        biased ? c.normal(Scalar.F32, 4, 3) : null,
        activation,
        1.702,
        0.8);
  }

  @TestFactory
  Stream<DynamicTest> anOpIsItsDecomposition() {
    return SUBJECTS.stream()
        .map(subject ->
            DynamicTest.dynamicTest(
                subject.name,
                () -> {
                  for (int i = 0; i < ROUNDS; i++) {
                    var c = new RandomCase(31 * i + subject.name.hashCode());
                    var function = c.b.build(subject.subject.build(c, i));
                    var lowered = Lowering.lower(c.graph, function);
                    assertThat(lowered.body()).isNotEqualTo(function.body());
                    assertThat(lowered.resultTypes()).isEqualTo(function.resultTypes());
                    var expected = c.run(function);
                    var actual = c.run(lowered);
                    for (int j = 0; j < expected.size(); j++) {
                      assertClose(
                          (Array) actual.get(j), (Array) expected.get(j), subject.name + " " + i);
                    }
                  }
                }));
  }

  @TestFactory
  Stream<DynamicTest> aBatchWithoutTokensGivesResultsWithoutRows() {
    return SUBJECTS.stream()
        .filter(subject -> !subject.name.equals("rope_frequencies"))
        .filter(subject -> !subject.name.equals("linear of a vector"))
        .map(subject ->
            DynamicTest.dynamicTest(
                subject.name,
                () -> {
                  for (int i = 0; i < ROUNDS; i++) {
                    var c = new RandomCase(i, 0);
                    var function = c.b.build(subject.subject.build(c, i));
                    for (var each : List.of(function, Lowering.lower(c.graph, function))) {
                      assertThat(c.run(each))
                          .allSatisfy(result -> assertThat(((Array) result).dim(0)).isEqualTo(0));
                    }
                  }
                }));
  }

  private static void assertClose(Array actual, Array expected, String what) {
    assertThat(actual.shape()).as(what).isEqualTo(expected.shape());
    assertThat(actual.dtype()).as(what).isEqualTo(expected.dtype());
    assertThat(expected.size()).as(what).isPositive();
    double squares = 0;
    for (int i = 0; i < expected.size(); i++) {
      squares += expected.real(i) * expected.real(i);
    }
    double typical = Math.sqrt(squares / expected.size());
    double tolerance =
        switch (expected.dtype()) {
          case F64 -> 1e-7; // a cache is read as f32
          case F16 -> 0x1p-10;
          case BF16 -> 0x1p-7;
          default -> 1e-5;
        };
    for (int i = 0; i < expected.size(); i++) {
      double error = Math.abs(actual.real(i) - expected.real(i));
      assertThat(error)
          .as("%s: element %d, %s for %s", what, i, actual.real(i), expected.real(i))
          .isLessThanOrEqualTo(tolerance * Math.max(Math.abs(expected.real(i)), typical));
    }
  }

  @Test
  void everyOpThatIsNoTensorOpEndsInTensorOpsAndPrimitives() {
    Set<OpSchema> seen = new HashSet<>();
    for (var subject : SUBJECTS) {
      for (int i = 0; i < ROUNDS; i++) {
        var c = new RandomCase(i);
        var function = c.b.build(subject.subject.build(c, i));
        function.body().forEach(op -> seen.add(op.schema()));
        for (var op : Lowering.lower(c.graph, function).body()) {
          assertThat(
                  op.schema().level().equals("tensor")
                      || Decomposer.PRIMITIVES.contains(op.schema()))
              .as("%s is left of %s", op, subject.name)
              .isTrue();
        }
      }
    }
    var expected = new ArrayList<OpSchema>();
    for (var schema : OpTable.ALL) {
      if (!schema.level().equals("tensor") && !Decomposer.PRIMITIVES.contains(schema)) {
        expected.add(schema);
      }
    }
    assertThat(seen).containsAll(expected);
  }

  @Test
  void tensorOpsAndPrimitivesHaveNone() {
    var c = new RandomCase(1);
    var at = c.at();
    List<Op> ops = List.of(c.b.exp(c.normal(Scalar.F32, 3)), c.b.positions(at));
    assertThat(ops).allSatisfy(op -> assertThat(Decomposer.decompose(op, c.b)).isEmpty());
  }
}
