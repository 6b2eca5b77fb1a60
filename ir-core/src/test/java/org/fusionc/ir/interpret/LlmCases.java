package org.fusionc.ir.interpret;

import static java.lang.Math.PI;
import static java.lang.Math.cos;
import static java.lang.Math.exp;
import static java.lang.Math.log;
import static java.lang.Math.sin;
import static java.lang.Math.sqrt;
import static java.lang.Math.tanh;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.backend.Batch;

/** LLM and kernel ops on small values. */
final class LlmCases {
  /** Two sequences: tokens at positions 0, 1 of the first, at 0 of the second; pages of two. */
  private static final Batch TWO =
      new Batch(
          new int[] {0, 0, 1},
          new int[] {0, 1, 0},
          new int[] {1, 2},
          List.of(new int[] {3}, new int[] {1}));

  static final List<HandCase> ALL = new ArrayList<>();

  static {
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
        "gated_linear",
        h -> h.b.gatedLinear(h.matrix(1, 2, 1, 2), h.matrix(2, 2, 1, 0, 0, 3), h.f32(0, 1), "silu"),
        7 * sigmoid(1));
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

  private LlmCases() {}

  private static void on(String name, HandCase.Subject subject, double... expected) {
    ALL.add(new HandCase(name, subject, expected));
  }

  private static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
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
}
