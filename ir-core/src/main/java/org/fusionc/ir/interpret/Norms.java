package org.fusionc.ir.interpret;

import java.util.List;
import org.fusionc.ir.op.AddLayerNorm;
import org.fusionc.ir.op.AddRmsNorm;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.RmsNorm;
import org.jspecify.annotations.Nullable;

/** Normalisation of the last dimension. */
final class Norms {
  private Norms() {}

  static void register(Evaluators e) {
    e.on(
        RmsNorm.SCHEMA,
        RmsNorm.class,
        (op, f) -> rmsNorm(f.array(op.x()), f.array(op.weight()), op.eps()));
    e.on(
        LayerNorm.SCHEMA,
        LayerNorm.class,
        (op, f) ->
            layerNorm(f.array(op.x()), f.array(op.weight()), f.optional(op.bias()), op.eps()));
    e.on(
        AddRmsNorm.SCHEMA,
        AddRmsNorm.class,
        (op, f) -> {
          var sum = Evaluators.zip(f.array(op.x()), f.array(op.residual()), Double::sum);
          return new Datum.Several(List.of(sum, rmsNorm(sum, f.array(op.weight()), op.eps())));
        });
    e.on(
        AddLayerNorm.SCHEMA,
        AddLayerNorm.class,
        (op, f) -> {
          var sum = Evaluators.zip(f.array(op.x()), f.array(op.residual()), Double::sum);
          var norm = layerNorm(sum, f.array(op.weight()), f.optional(op.bias()), op.eps());
          return new Datum.Several(List.of(sum, norm));
        });
  }

  /** y[…, d] = x[…, d] / √(mean x² + eps) · weight[d]. */
  private static Array rmsNorm(Array x, Array weight, double eps) {
    var y = new Array(x.dtype(), x.shape());
    for (int t = 0; t < x.rows(); t++) {
      var row = x.row(t);
      double squares = 0;
      for (double v : row) {
        squares += v * v;
      }
      double root = Math.sqrt(squares / row.length + eps);
      for (int d = 0; d < row.length; d++) {
        row[d] = row[d] / root * weight.real(d);
      }
      y.setRow(t, row);
    }
    return y;
  }

  /** y[…, d] = (x[…, d] - mean x) / √(var x + eps) · weight[d] + bias[d]. */
  private static Array layerNorm(Array x, Array weight, @Nullable Array bias, double eps) {
    var y = new Array(x.dtype(), x.shape());
    for (int t = 0; t < x.rows(); t++) {
      var row = x.row(t);
      double mean = 0;
      for (double v : row) {
        mean += v / row.length;
      }
      double variance = 0;
      for (double v : row) {
        variance += (v - mean) * (v - mean) / row.length;
      }
      double root = Math.sqrt(variance + eps);
      for (int d = 0; d < row.length; d++) {
        row[d] = (row[d] - mean) / root * weight.real(d) + (bias == null ? 0 : bias.real(d));
      }
      y.setRow(t, row);
    }
    return y;
  }
}
