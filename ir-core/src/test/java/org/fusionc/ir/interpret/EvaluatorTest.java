package org.fusionc.ir.interpret;

import static java.lang.Math.E;
import static java.lang.Math.PI;
import static java.lang.Math.cos;
import static java.lang.Math.exp;
import static java.lang.Math.log;
import static java.lang.Math.sin;
import static java.lang.Math.sqrt;
import static java.lang.Math.tanh;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Literal;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.op.OpTable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every op on small values whose results are worked out by hand, from the formula in the table. */
class EvaluatorTest {
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  private interface Subject {
    Value build(Hand h);
  }

  private record Case(String name, Subject subject, double... expected) {}

  /** Two sequences: tokens at positions 0, 1 of the first, at 0 of the second; pages of two. */
  private static final Batch TWO =
      new Batch(
          new int[] {0, 0, 1},
          new int[] {0, 1, 0},
          new int[] {1, 2},
          List.of(new int[] {3}, new int[] {1}));

  private static final List<Case> CASES = new ArrayList<>();

  private static void on(String name, Subject subject, double... expected) {
    CASES.add(new Case(name, subject, expected));
  }

  private static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
  }

  static {
    on(
        "constant fills",
        h -> h.b.constant(Literal.of(2.5), Type.tensor(Scalar.F16, 3)),
        2.5,
        2.5,
        2.5);
    on(
        "constant lists",
        h -> h.b.constant(new Literal(List.of(1L, -2L)), Type.tensor(Scalar.I8, 2)),
        1,
        -2);
    on("iota", h -> h.b.iota(0, Type.tensor(Scalar.F32, 2, 2)), 0, 0, 1, 1);
    on("cast to i32", h -> h.b.cast(h.f32(-1.7, 2.9, NAN, 1e30), Scalar.I32), -1, 2, 0, 0x7FFFFFFF);
    on("cast to bool", h -> h.b.cast(h.f32(0, 0.5), Scalar.BOOL), 0, 1);
    on("cast to bf16", h -> h.b.cast(h.f32(1.00390625, 1.01171875), Scalar.BF16), 1, 1.015625);
    on("cast of i32 wraps", h -> h.b.cast(h.i32(300, -1), Scalar.U8), 44, 255);
    on("neg", h -> h.b.neg(h.f32(1, -2)), -1, 2);
    on("abs", h -> h.b.abs(h.i32(-3, 4)), 3, 4);
    on("sign", h -> h.b.sign(h.f32(-0.5, 0, 7)), -1, 0, 1);
    on("floor", h -> h.b.floor(h.f32(-0.5, 1.9)), -1, 1);
    on("ceil", h -> h.b.ceil(h.f32(-0.5, 1.1)), 0, 2);
    on("round", h -> h.b.round(h.f32(0.5, 1.5, -2.5)), 0, 2, -2);
    on("exp", h -> h.b.exp(h.f32(0, 1)), 1, E);
    on("log", h -> h.b.log(h.f32(1, 2)), 0, log(2));
    on("sqrt", h -> h.b.sqrt(h.f32(4, 2)), 2, sqrt(2));
    on("rsqrt", h -> h.b.rsqrt(h.f32(4, 0)), 0.5, INF);
    on("sin", h -> h.b.sin(h.f32(0, 1)), 0, sin(1));
    on("cos", h -> h.b.cos(h.f32(0, 1)), 1, cos(1));
    on("tanh", h -> h.b.tanh(h.f32(0, 1)), 0, tanh(1));
    on("erf", h -> h.b.erf(h.f32(0, 1, -3)), 0, 0.8427007929497149, -0.9999779095030014);
    on("sigmoid", h -> h.b.sigmoid(h.f32(0, -1000)), 0.5, 0);
    on("relu", h -> h.b.relu(h.f32(-1, 2)), 0, 2);
    on("silu", h -> h.b.silu(h.f32(0, 2)), 0, 2 * sigmoid(2));
    on("gelu", h -> h.b.gelu(h.f32(1, -1), "none"), 0.8413447460685429, -0.15865525393145707);
    on("gelu tanh", h -> h.b.gelu(h.f32(1), "tanh"), 0.5 * (1 + tanh(sqrt(2 / PI) * 1.044715)));
    on("clip", h -> h.b.clip(h.f32(-2, 0, 2), -1, 1), -1, 0, 1);
    on("clip of integers", h -> h.b.clip(h.i32(-2, 0, 2), -INF, 1), -2, 0, 1);
    on("not", h -> h.b.not(h.bool(0, 1)), 1, 0);
    on("add", h -> h.b.add(h.matrix(2, 1, new double[] {1, 2}), h.f32(10, 20)), 11, 21, 12, 22);
    on("add wraps", h -> h.b.add(h.i32(0x7FFFFFFF), h.i32(1)), -0x80000000);
    on("sub", h -> h.b.sub(h.f32(1, 2), h.f32(3, 5)), -2, -3);
    on("mul", h -> h.b.mul(h.f32(2, 3), h.f32(4, 5)), 8, 15);
    on("div", h -> h.b.div(h.f32(1, 1), h.f32(4, 0)), 0.25, INF);
    on("div of integers", h -> h.b.div(h.i32(-7, 7), h.i32(2, -2)), -3, -3);
    on("pow", h -> h.b.pow(h.f32(2, 9), h.f32(-1, 0.5)), 0.5, 3);
    on("pow of integers", h -> h.b.pow(h.i32(3, 2), h.i32(4, -1)), 81, 0);
    on("max", h -> h.b.max(h.f32(1, NAN), h.f32(2, 0)), 2, NAN);
    on("min", h -> h.b.min(h.i32(1, -3), h.i32(2, 0)), 1, -3);
    on("equal", h -> h.b.equal(h.f32(1, NAN), h.f32(1, NAN)), 1, 0);
    on("less", h -> h.b.less(h.f32(1, 2), h.f32(2, 2)), 1, 0);
    on(
        "less of unsigned",
        h -> h.b.less(h.of(Scalar.U64, new double[] {1}), h.of(Scalar.U64, new double[] {0x1p63})),
        1);
    on("less_equal", h -> h.b.lessEqual(h.i32(2, 3), h.i32(2, 2)), 1, 0);
    on("and", h -> h.b.and(h.bool(0, 1, 1), h.bool(1, 0, 1)), 0, 0, 1);
    on("or", h -> h.b.or(h.bool(0, 1, 0), h.bool(1, 1, 0)), 1, 1, 0);
    on("where", h -> h.b.where(h.bool(1, 0), h.f32(1, 2), h.f32(9, 8)), 1, 8);
    on(
        "matmul",
        h -> h.b.matmul(h.matrix(2, 2, 1, 2, 3, 4), h.matrix(2, 2, 5, 6, 7, 8)),
        19,
        22,
        43,
        50);
    on(
        "matmul of integers",
        h ->
            h.b.matmul(
                h.of(Scalar.I8, new double[] {100, 1}, 1, 2),
                h.of(Scalar.I8, new double[] {2, 3}, 2, 1)),
        203 - 256);
    on("reduce_sum", h -> h.b.reduceSum(h.matrix(2, 2, 1, 2, 3, 4), List.of(0L), false), 4, 6);
    on("reduce_sum of all", h -> h.b.reduceSum(h.i32(1, 2, 3), List.of(), true), 6);
    on(
        "reduce_mean",
        h -> h.b.reduceMean(h.matrix(2, 2, 1, 2, 3, 4), List.of(-1L), true),
        1.5,
        3.5);
    on("reduce_max", h -> h.b.reduceMax(h.matrix(2, 2, -1, -2, 3, 4), List.of(1L), false), -1, 4);
    on("softmax", h -> h.b.softmax(h.matrix(2, 2, 0, 0, 0, log(3)), 0), 0.5, 0.25, 0.5, 0.75);
    on(
        "softmax of large",
        h -> h.b.softmax(h.of(Scalar.F64, new double[] {1000, 1000 + log(3)}), -1),
        0.25,
        0.75);
    on("top_k values", h -> h.b.result(h.b.topK(h.f32(3, 1, 3, 2), 3), 0), 3, 3, 2);
    on("top_k indices", h -> h.b.result(h.b.topK(h.f32(3, 1, 3, 2), 3), 1), 0, 2, 3);
    on("arg_max", h -> h.b.argMax(h.matrix(2, 3, 1, 5, 5, 7, 0, 1)), 1, 0);
    on(
        "reshape",
        h ->
            h.b.matmul(
                h.b.reshape(h.f32(1, 2), Type.tensor(Scalar.F32, 2, 1)), h.matrix(1, 2, 3, 4)),
        3,
        4,
        6,
        8);
    on(
        "broadcast_to",
        h -> h.b.broadcastTo(h.f32(1, 2), Type.tensor(Scalar.F32, 2, 2)),
        1,
        2,
        1,
        2);
    on(
        "transpose",
        h -> h.b.transpose(h.matrix(2, 3, 1, 2, 3, 4, 5, 6), List.of()),
        1,
        4,
        2,
        5,
        3,
        6);
    on(
        "transpose by a permutation",
        h ->
            h.b.transpose(
                h.of(Scalar.F32, new double[] {1, 2, 3, 4, 5, 6}, 1, 2, 3), List.of(2L, 0L, 1L)),
        1,
        4,
        2,
        5,
        3,
        6);
    on(
        "concat",
        h -> h.b.concat(List.of(h.matrix(2, 1, 1, 2), h.matrix(2, 2, 3, 4, 5, 6)), 1),
        1,
        3,
        4,
        2,
        5,
        6);
    on("slice", h -> h.b.slice(h.matrix(2, 4, 0, 1, 2, 3, 4, 5, 6, 7), 1, 1, 4, 2), 1, 3, 5, 7);
    on("gather", h -> h.b.gather(h.matrix(3, 2, 0, 1, 2, 3, 4, 5), h.i32(2, 0), 0), 4, 5, 0, 1);
    on("gather of columns", h -> h.b.gather(h.matrix(2, 2, 0, 1, 2, 3), h.i32(1), 1), 1, 3);
    on(
        "gather_elements",
        h ->
            h.b.gatherElements(
                h.matrix(2, 2, 0, 1, 2, 3), h.of(Scalar.I32, new double[] {1, 0}, 2, 1)),
        1,
        2);
    on(
        "scatter_elements",
        h -> h.b.scatterElements(h.f32(5, 6, 7), h.i32(2, 2), h.f32(1, 2)),
        5,
        6,
        2);
    on(
        "if",
        h -> {
          var then = new FunctionBuilder(h.graph, "");
          var thenBody = then.build(then.neg(then.param("u", Type.tensor(Scalar.F32, 1))));
          var other = new FunctionBuilder(h.graph, "");
          var otherBody = other.build(other.param("u", Type.tensor(Scalar.F32, 1)));
          var yes = h.of(Scalar.BOOL, new double[] {1}, new int[] {1});
          var condition = h.b.reshape(yes, Type.tensor(Scalar.BOOL, List.of()));
          return h.b.if_(condition, List.of(h.f32(3)), thenBody, otherBody);
        },
        -3);

    on(
        "linear",
        h -> h.b.linear(h.matrix(2, 2, 1, 2, 3, 4), h.matrix(1, 2, 10, 1), h.f32(0.5)),
        12.5,
        34.5);
    on(
        "rms_norm",
        h -> h.b.rmsNorm(h.matrix(1, 2, 3, 4), h.f32(1, 2), 0),
        3 / sqrt(12.5),
        8 / sqrt(12.5));
    on(
        "layer_norm",
        h -> h.b.layerNorm(h.matrix(1, 2, 3, 7), h.f32(1, 2), h.f32(10, 20), 0),
        9,
        22);
    on("rope_frequencies", h -> frequencies(h, "none", 100, 1, 0, 2, List.of()), 1, 0.1);
    on(
        "rope_frequencies linear",
        h -> frequencies(h, "linear", 100, 4, 0, 2, List.of()),
        0.25,
        0.025);
    on(
        "rope_frequencies longrope",
        h -> frequencies(h, "longrope", 100, 4, 0, 2, List.of(2.0, 5.0)),
        0.5,
        0.02);
    // Wavelengths 2π and 20π in a context of 8π: 4 turns are high, 0.4 turns are low.
    on(
        "rope_frequencies llama3",
        h -> frequencies(h, "llama3", 100, 8, 25, 2, List.of()),
        between(1, 8, 25 / (2 * PI)),
        0.1 / 8);
    // R = 4: d(β) = 4 ln(c/2πβ) / (2 ln 100); c = 1000: d(32) = 0.70, d(1) = 2.2, so from 0 to 3.
    on(
        "rope_frequencies yarn",
        h -> frequencies(h, "yarn", 100, 2, 1000, 2, List.of()),
        1,
        0.1 * (2.0 / 3 + 1.0 / 6));
    on(
        "rope of halves",
        h ->
            h.b.rope(
                h.of(
                    Scalar.F32,
                    new double[] {1, 2, 3, 4, 5, 9, 1, 2, 3, 4, 5, 9, 1, 2, 3, 4, 5, 9},
                    3,
                    1,
                    6),
                h.f32(1, 0.5),
                h.at(TWO),
                false,
                1),
        1,
        2,
        3,
        4,
        5,
        9,
        cos(1) - 3 * sin(1),
        2 * cos(0.5) - 4 * sin(0.5),
        3 * cos(1) + sin(1),
        4 * cos(0.5) + 2 * sin(0.5),
        5,
        9,
        1,
        2,
        3,
        4,
        5,
        9);
    on(
        "rope interleaved and scaled",
        h ->
            h.b.rope(
                h.of(Scalar.F32, new double[] {1, 2, 1, 2, 1, 2}, 3, 1, 2),
                h.f32(1),
                h.at(TWO),
                true,
                2),
        2,
        4,
        2 * (cos(1) - 2 * sin(1)),
        2 * (2 * cos(1) + sin(1)),
        2,
        4);
    on(
        "kv_append and kv_keys",
        h -> {
          var at = h.at(TWO);
          return h.b.kvKeys(
              cache(h, at), at, Type.tensor(Scalar.F32, Dim.symbol("C"), Dim.of(1), Dim.of(1)));
        },
        1,
        2,
        3);
    on(
        "kv_values",
        h -> {
          var at = h.at(TWO);
          return h.b.kvValues(
              cache(h, at), at, Type.tensor(Scalar.F32, Dim.symbol("C"), Dim.of(1), Dim.of(2)));
        },
        10,
        20,
        30,
        40,
        50,
        60);
    on(
        "kv_positions",
        h -> {
          var at = h.at(TWO);
          return h.b.kvPositions(cache(h, at), at, Type.tensor(Scalar.I32, Dim.symbol("C")));
        },
        0,
        1,
        0);
    on(
        "kv_sequences",
        h -> {
          var at = h.at(TWO);
          return h.b.kvSequences(cache(h, at), at, Type.tensor(Scalar.I32, Dim.symbol("C")));
        },
        0,
        0,
        1);
    on("positions", h -> h.b.positions(h.at(TWO)), 0, 1, 0);
    on("sequences", h -> h.b.sequences(h.at(TWO)), 0, 0, 1);
    on("output_rows", h -> h.b.outputRows(h.at(TWO)), 1, 2);
    on(
        "select_outputs",
        h -> h.b.selectOutputs(h.matrix(3, 2, 0, 1, 2, 3, 4, 5), h.at(TWO)),
        2,
        3,
        4,
        5);
    // Token 1 scores ln 2 · (1, 2), weights 1/3 and 2/3; the other tokens see themselves alone.
    on("attention", h -> attend(h, 0, 0, false, false), 10, 20, 70 / 3.0, 100 / 3.0, 50, 60);
    on("attention in a window", h -> attend(h, 1, 0, false, false), 10, 20, 30, 40, 50, 60);
    // Slope ln 2: the earlier position's weight halves, 1 to 4.
    on("attention with slopes", h -> attend(h, 0, 0, true, false), 10, 20, 26, 36, 50, 60);
    // A sink of weight 1: 1/2 of the first (its score is ln 2 · 1, weight 2): 2/3; then 2, 4 of 7.
    on(
        "attention with sinks",
        h -> attend(h, 0, 0, false, true),
        20 / 3.0,
        40 / 3.0,
        (20 + 120) / 7.0,
        (40 + 160) / 7.0,
        50 * 8 / 9.0,
        60 * 8 / 9.0);
    on("attention with a soft cap", h -> attend(h, 0, 1, false, false), capped());
    on("swiglu", h -> h.b.swiglu(h.f32(2), h.f32(3)), 6 * sigmoid(2));
    on("geglu", h -> h.b.geglu(h.f32(1), h.f32(3), "none"), 3 * 0.8413447460685429);
    on("softcap", h -> h.b.softcap(h.f32(3), 2), 2 * tanh(1.5));
    on("moe", h -> moe(h, "relu", false), 2 * 10 * 3 * 4 + 7 * 2 * 20);
    on(
        "moe with biases",
        h -> moe(h, "relu", true),
        2 * (10 * (3 + 1) * (4 + 2) + 3) + 7 * (2 * 20 + 3));
    // Expert 0 alone: g = min(3, 2.5), u = min(4, 2.5); expert 1: g = 1, u = 2.
    on(
        "moe clamped",
        h -> moe(h, "clamped_swiglu", false),
        2 * 10 * 3.5 * 2.5 * sigmoid(1.5 * 2.5) + 7 * 20 * 3 * sigmoid(1.5));

    on(
        "add_rms_norm",
        h ->
            h.b.result(
                h.b.addRmsNorm(h.matrix(1, 2, 1, 1), h.matrix(1, 2, 2, 3), h.f32(1, 2), 0), 1),
        3 / sqrt(12.5),
        8 / sqrt(12.5));
    on(
        "add_rms_norm's sum",
        h ->
            h.b.result(
                h.b.addRmsNorm(h.matrix(1, 2, 1, 1), h.matrix(1, 2, 2, 3), h.f32(1, 2), 0), 0),
        3,
        4);
    on(
        "add_layer_norm",
        h ->
            h.b.result(
                h.b.addLayerNorm(h.matrix(1, 2, 1, 3), h.matrix(1, 2, 2, 4), h.f32(1, 2), null, 0),
                1),
        -1,
        2);
    on(
        "rope_kv_append",
        h -> {
          var at = h.at(TWO);
          var kv =
              h.b.ropeKvAppend(
                  h.kv(1, 2, 1, Scalar.F32),
                  h.of(Scalar.F32, new double[] {1, 0, 1, 0, 1, 0}, 3, 1, 2),
                  h.of(Scalar.F32, new double[3], 3, 1, 1),
                  h.f32(1),
                  at,
                  false,
                  1);
          return h.b.kvKeys(kv, at, Type.tensor(Scalar.F32, Dim.symbol("C"), Dim.of(1), Dim.of(2)));
        },
        1,
        0,
        cos(1),
        sin(1),
        1,
        0);
    // The query turns by 1 at position 1; keys (1, 0) score cos 1 at both positions.
    on(
        "rope_attention",
        h -> {
          var at = h.at(TWO);
          var kv =
              h.b.kvAppend(
                  h.kv(1, 2, 1, Scalar.F32),
                  h.of(Scalar.F32, new double[] {1, 0, 0, 1, 1, 0}, 3, 1, 2),
                  h.of(Scalar.F32, new double[] {1, 2, 3}, 3, 1, 1),
                  at);
          var q = h.of(Scalar.F32, new double[] {1, 0, 1, 0, 1, 0}, 3, 1, 2);
          return h.b.ropeAttention(q, kv, h.f32(1), at, null, null, false, 1, 1, 0, 0);
        },
        1,
        (exp(cos(1)) + 2 * exp(sin(1))) / (exp(cos(1)) + exp(sin(1))),
        3);
    on("packed_swiglu", h -> h.b.packedSwiglu(h.f32(2, 0, 3, 5)), 6 * sigmoid(2), 0);
    on("packed_geglu", h -> h.b.packedGeglu(h.f32(1, 3), "none"), 3 * 0.8413447460685429);
    on(
        "fused",
        h -> {
          var body = new FunctionBuilder(h.graph, "");
          var u = body.param("u", Type.tensor(Scalar.F32, 2));
          return h.b.fused(List.of(h.f32(1, 2)), body.build(body.mul(u, body.neg(u))));
        },
        -1,
        -4);
  }

  private static double between(double f, double factor, double turns) {
    double s = Math.min((turns - 1) / 3, 1);
    return (1 - s) * f / factor + s * f;
  }

  private static Value frequencies(
      Hand h,
      String scaling,
      double theta,
      double factor,
      long context,
      int n,
      List<Double> factors) {
    return h.b.ropeFrequencies(
        theta, scaling, factor, 1, 4, context, 32, 1, true, factors, Type.tensor(Scalar.F32, n));
  }

  /** Keys 1, 2, 3 and values (10, 20), (30, 40), (50, 60) of one head. */
  private static Value cache(Hand h, Value at) {
    return h.b.kvAppend(
        h.kv(1, 1, 2, Scalar.F32),
        h.of(Scalar.F32, new double[] {1, 2, 3}, 3, 1, 1),
        h.of(Scalar.F32, new double[] {10, 20, 30, 40, 50, 60}, 3, 1, 2),
        at);
  }

  private static Value attend(Hand h, long window, double softcap, boolean slopes, boolean sinks) {
    var at = h.at(TWO);
    var q = h.of(Scalar.F32, new double[] {1, 1, 1}, 3, 1, 1);
    return h.b.attention(
        q,
        cache(h, at),
        at,
        slopes ? h.f32(log(2)) : null,
        sinks ? h.f32(0) : null,
        log(2),
        window,
        softcap);
  }

  private static double[] capped() {
    double a = exp(tanh(log(2)));
    double b = exp(tanh(2 * log(2)));
    return new double[] {10, 20, (10 * a + 30 * b) / (a + b), (20 * a + 40 * b) / (a + b), 50, 60};
  }

  /** One token of width 1, weights 2 and 7; expert 0: x → 10 · f(3x) · 4x, 1: 20 · f(x) · 2x. */
  private static Value moe(Hand h, String activation, boolean biased) {
    return h.b.moe(
        h.matrix(1, 1, 1),
        h.of(Scalar.I32, new double[] {0, 1}, 1, 2),
        h.matrix(1, 2, 2, 7),
        h.of(Scalar.F32, new double[] {3, 1}, 2, 1, 1),
        h.of(Scalar.F32, new double[] {4, 2}, 2, 1, 1),
        h.of(Scalar.F32, new double[] {10, 20}, 2, 1, 1),
        biased ? h.matrix(2, 1, 1, 0) : null,
        biased ? h.matrix(2, 1, 2, 0) : null,
        biased ? h.matrix(2, 1, 3, 3) : null,
        activation,
        1.5,
        2.5);
  }

  @TestFactory
  Stream<DynamicTest> anOpGivesWhatItsFormulaSays() {
    return CASES.stream()
        .map(c ->
            DynamicTest.dynamicTest(
                c.name,
                () -> {
                  var h = new Hand();
                  var result = (Array) h.run(h.b.build(c.subject.build(h))).getFirst();
                  assertThat(result.size()).isEqualTo(c.expected.length);
                  for (int i = 0; i < c.expected.length; i++) {
                    if (Double.isFinite(c.expected[i])) {
                      double tolerance =
                          result.isReal() ? 1e-6 * Math.max(1, Math.abs(c.expected[i])) : 0;
                      assertThat(result.real(i))
                          .as("element %d", i)
                          .isCloseTo(c.expected[i], within(tolerance));
                    } else {
                      assertThat((Double) result.real(i))
                          .as("element %d", i)
                          .isEqualTo((Double) c.expected[i]);
                    }
                  }
                }));
  }

  @Test
  void everyOpHasACaseWorkedOutByHand() {
    Set<OpSchema> seen = new HashSet<>();
    for (var c : CASES) {
      var h = new Hand();
      h.b.build(c.subject.build(h)).body().forEach(op -> seen.add(op.schema()));
    }
    assertThat(seen).containsAll(OpTable.ALL);
  }
}
