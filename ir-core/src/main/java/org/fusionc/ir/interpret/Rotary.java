package org.fusionc.ir.interpret;

import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.op.Rope;
import org.fusionc.ir.op.RopeFrequencies;

/** Rotary position embedding. */
final class Rotary {
  private Rotary() {}

  static void register(Evaluators e) {
    e.on(
        Rope.SCHEMA,
        Rope.class,
        (op, f) ->
            rope(
                f.array(op.x()),
                f.array(op.freqs()),
                f.batch(op.at()),
                op.interleaved(),
                op.scale()));
    e.on(RopeFrequencies.SCHEMA, RopeFrequencies.class, Rotary::frequencies);
  }

  /** Pairs (i, i+R), or (2i, 2i+1): (u, v) → (u c - v s, v c + u s). */
  static Array rope(Array x, Array freqs, Batch at, boolean interleaved, double scale) {
    int r = freqs.size();
    var y = new Array(x.dtype(), x.shape());
    for (int row = 0; row < x.rows(); row++) {
      int position = at.position()[row / x.dim(1)];
      var head = x.row(row);
      for (int i = 0; i < r; i++) {
        int first = interleaved ? 2 * i : i;
        int second = interleaved ? 2 * i + 1 : i + r;
        double angle = position * freqs.real(i);
        double c = scale * Math.cos(angle);
        double s = scale * Math.sin(angle);
        double u = head[first];
        double v = head[second];
        head[first] = u * c - v * s;
        head[second] = v * c + u * s;
      }
      y.setRow(row, head);
    }
    return y;
  }

  private static Array frequencies(RopeFrequencies op, Frame frame) {
    int count = frame.shape(op.type())[0];
    var y = new Array(Scalar.F32, count);
    for (int i = 0; i < count; i++) {
      double f = Math.pow(op.theta(), -2.0 * i / (2 * count));
      y.set(
          i,
          switch (op.scaling()) {
            case "none" -> f;
            case "linear" -> f / op.factor();
            case "longrope" -> f / op.factors().get(i);
            case "llama3" -> llama3(op, f);
            case "yarn" -> yarn(op, f, i, 2 * count);
            default -> throw new Problem("unknown scaling " + op.scaling(), "");
          });
    }
    return y;
  }

  private static double llama3(RopeFrequencies op, double f) {
    double wavelength = 2 * Math.PI / f;
    double low = op.lowFreqFactor();
    double high = op.highFreqFactor();
    double s = Math.clamp((op.originalContext() / wavelength - low) / (high - low), 0, 1);
    return (1 - s) * f / op.factor() + s * f;
  }

  private static double yarn(RopeFrequencies op, double f, int i, int r) {
    double low = dimension(op, op.betaFast(), r);
    double high = dimension(op, op.betaSlow(), r);
    low = Math.max(op.truncate() ? Math.floor(low) : low, 0);
    high = Math.min(op.truncate() ? Math.ceil(high) : high, r - 1);
    // Equal ends would divide by zero; the ramp is then a step.
    double width = low == high ? 0.001 : high - low;
    double ramp = Math.clamp((i - low) / width, 0, 1);
    return ramp * f / op.factor() + (1 - ramp) * f;
  }

  /** The index of the pair that turns β times within the original context. */
  private static double dimension(RopeFrequencies op, double beta, int r) {
    return r * Math.log(op.originalContext() / (2 * Math.PI * beta)) / (2 * Math.log(op.theta()));
  }
}
