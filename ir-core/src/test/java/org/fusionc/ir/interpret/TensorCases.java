package org.fusionc.ir.interpret;

import static java.lang.Math.E;
import static java.lang.Math.PI;
import static java.lang.Math.cos;
import static java.lang.Math.exp;
import static java.lang.Math.log;
import static java.lang.Math.sin;
import static java.lang.Math.sqrt;
import static java.lang.Math.tanh;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Type;

/** Tensor ops on small values. */
final class TensorCases {
  private static final DType Q8 = new DType.Quantized(8, 32, false);
  private static final DType Q4 = new DType.Quantized(4, 64, false);
  private static final DType Q4A = new DType.Quantized(4, 32, true);

  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  static final List<HandCase> ALL = new ArrayList<>();

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
    // scale = f16(254 / 127) = 2; 3 / 2 = 1.5 goes to the even 2, 5 / 2 = 2.5 as well
    on(
        "q8",
        h -> h.b.dequantize(h.b.quantize(h.f32(-254, 3, 5, 0, 7), Q8), Scalar.F32),
        -254,
        4,
        4,
        0,
        8);
    // scale = 8 / -8 = -1: the largest is met exactly, the other end is limited to 7
    on(
        "q4",
        h -> h.b.dequantize(h.b.quantize(h.f32(8, -7.8, 2.4, 0.5), Q4), Scalar.F32),
        8,
        -7,
        2,
        0);
    // min = 1, scale = (31 - 1) / 15 = 2
    on(
        "q4a",
        h -> h.b.dequantize(h.b.quantize(h.f32(1, 31, 4.5, 6), Q4A), Scalar.F32),
        1,
        31,
        5,
        5);
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
  }

  private TensorCases() {}

  private static void on(String name, HandCase.Subject subject, double... expected) {
    ALL.add(new HandCase(name, subject, expected));
  }

  private static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
  }
}
