package org.fusionc.ir.interpret;

import java.util.function.DoubleUnaryOperator;
import org.fusionc.ir.op.Activation;
import org.fusionc.ir.op.GatedLinear;
import org.fusionc.ir.op.Geglu;
import org.fusionc.ir.op.Moe;
import org.fusionc.ir.op.PackedGeglu;
import org.fusionc.ir.op.PackedSwiglu;
import org.fusionc.ir.op.Swiglu;
import org.jspecify.annotations.Nullable;

/** Gated units, and mixtures of experts made of them. */
final class Gated {
  private Gated() {}

  static void register(Evaluators e) {
    e.on(
        Swiglu.SCHEMA,
        Swiglu.class,
        (op, f) ->
            Evaluators.zip(f.array(op.gate()), f.array(op.up()), (g, u) -> Scalars.silu(g) * u));
    e.on(
        Geglu.SCHEMA,
        Geglu.class,
        (op, f) -> {
          var gelu = Scalars.function(Activation.gelu(op.approximate()));
          return Evaluators.zip(
              f.array(op.gate()), f.array(op.up()), (g, u) -> gelu.applyAsDouble(g) * u);
        });
    e.whole(PackedSwiglu.SCHEMA, x -> packed(x, Scalars::silu));
    e.on(
        PackedGeglu.SCHEMA,
        PackedGeglu.class,
        (op, f) ->
            packed(f.array(op.gateUp()), Scalars.function(Activation.gelu(op.approximate()))));
    e.on(
        GatedLinear.SCHEMA,
        GatedLinear.class,
        (op, f) ->
            packed(
                Linear.linear(f.array(op.x()), f.array(op.weight()), f.optional(op.bias())),
                Scalars.function(Activation.of(op.activation()))));
    e.on(Moe.SCHEMA, Moe.class, Gated::moe);
  }

  /** y[…, i] = activation(x[…, i]) · x[…, i + E/2]. */
  private static Array packed(Array x, DoubleUnaryOperator activation) {
    int[] shape = x.shape();
    int half = x.dim(-1) / 2;
    shape[shape.length - 1] = half;
    var y = new Array(x.dtype(), shape);
    for (int t = 0; t < y.rows(); t++) {
      var row = x.row(t);
      for (int i = 0; i < half; i++) {
        y.set(t * half + i, activation.applyAsDouble(row[i]) * row[half + i]);
      }
    }
    return y;
  }

  /** y[t] = Σₖ weights[t, k] · (down[e] · h + down_bias[e]), e = experts[t, k]. */
  private static Array moe(Moe op, Frame frame) {
    var x = frame.array(op.x());
    var experts = frame.array(op.experts());
    var weights = frame.array(op.weights());
    var gate = frame.array(op.gate());
    var up = frame.array(op.up());
    var down = frame.array(op.down());
    var gateBias = frame.optional(op.gateBias());
    var upBias = frame.optional(op.upBias());
    var downBias = frame.optional(op.downBias());
    var y = new Array(x.dtype(), x.shape());
    for (int t = 0; t < x.dim(0); t++) {
      var row = x.row(t);
      var sum = new double[row.length];
      for (int k = 0; k < experts.dim(1); k++) {
        int choice = t * experts.dim(1) + k;
        int e = Shapes.index(experts, choice, gate.dim(0));
        var g = times(gate, e, row, gateBias);
        var u = times(up, e, row, upBias);
        var h = new double[g.length];
        for (int i = 0; i < h.length; i++) {
          h[i] = unit(op, g[i], u[i]);
        }
        var out = times(down, e, h, downBias);
        for (int d = 0; d < sum.length; d++) {
          sum[d] += weights.real(choice) * out[d];
        }
      }
      y.setRow(t, sum);
    }
    return y;
  }

  /** matrix[e] · x + bias[e]. */
  private static double[] times(Array matrix, int e, double[] x, @Nullable Array bias) {
    int rows = matrix.dim(1);
    var y = new double[rows];
    for (int i = 0; i < rows; i++) {
      y[i] =
          matrix.dot((e * rows + i) * x.length, x) + (bias == null ? 0 : bias.real(e * rows + i));
    }
    return y;
  }

  private static double unit(Moe op, double g, double u) {
    return switch (op.activation()) {
      case "silu", "gelu", "gelu_tanh" ->
          Scalars.function(Activation.of(op.activation())).applyAsDouble(g) * u;
      case "relu" -> Math.max(g, 0) * u;
      case "clamped_swiglu" -> {
        double limited = Math.min(g, op.limit());
        double clamped = Math.min(Math.max(u, -op.limit()), op.limit());
        yield (clamped + 1) * limited * Scalars.sigmoid(op.alpha() * limited);
      }
      default -> throw new Problem("unknown activation " + op.activation(), "");
    };
  }
}
