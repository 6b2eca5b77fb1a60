package org.fusionc.ir.decompose;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Rope;
import org.fusionc.ir.op.RopeFrequencies;

/** Rotary position embedding. Angles are computed in f64: they grow with the position. */
final class Rotation {
  private Rotation() {}

  /** f[i] = theta^(-2i/R), scaled. */
  static Value frequencies(Formulas f, RopeFrequencies op) {
    var type = op.tensorType().withDtype(Scalar.F64);
    long r = 2 * op.tensorType().dim(0).value();
    var b = f.ops();
    var index = b.iota(0, type);
    var plain = b.pow(f.number(op.theta(), index), f.mul(index, -2.0 / r));
    var scaled =
        switch (op.scaling()) {
          case "linear" -> f.div(plain, op.factor());
          case "longrope" -> b.div(plain, b.constant(new Literal(List.copyOf(op.factors())), type));
          case "llama3" -> llama3(f, op, plain);
          case "yarn" -> yarn(f, op, plain, index, r);
          default -> plain;
        };
    return f.cast(scaled, Scalar.F32);
  }

  /** (1-s) f/factor + s f, s = clamp((c/w - low) / (high - low), 0, 1), 1/w = f/2π. */
  private static Value llama3(Formulas f, RopeFrequencies op, Value plain) {
    double low = op.lowFreqFactor();
    double span = op.highFreqFactor() - low;
    double context = op.originalContext();
    var turns = f.mul(plain, context / (2 * Math.PI));
    var s = f.ops().clip(f.div(f.add(turns, -low), span), 0, 1);
    return between(f, f.div(plain, op.factor()), plain, s);
  }

  /** r f/factor + (1-r) f, r a ramp over i. */
  private static Value yarn(Formulas f, RopeFrequencies op, Value plain, Value index, long r) {
    double low = pair(op, op.betaFast(), r);
    double high = pair(op, op.betaSlow(), r);
    low = Math.max(op.truncate() ? Math.floor(low) : low, 0);
    high = Math.min(op.truncate() ? Math.ceil(high) : high, (double) r - 1);
    // Equal ends make the ramp a step; the step has some width, so that nothing is divided by 0.
    double width = low == high ? 0.001 : high - low;
    var ramp = f.ops().clip(f.div(f.add(index, -low), width), 0, 1);
    return between(f, plain, f.div(plain, op.factor()), ramp);
  }

  /** (1-s) x + s y. */
  private static Value between(Formulas f, Value x, Value y, Value s) {
    return f.add(f.mul(f.sub(f.number(1, s), s), x), f.mul(s, y));
  }

  /** d(β) = R ln(c / (2πβ)) / (2 ln theta). */
  private static double pair(RopeFrequencies op, double beta, long r) {
    return r * Math.log(op.originalContext() / (2 * Math.PI * beta)) / (2 * Math.log(op.theta()));
  }

  /** (u, v) → (u c - v s, v c + u s) for each pair of elements; the others pass. */
  static Value rope(Formulas f, Rope op) {
    var b = f.ops();
    var one = Dim.of(1);
    var tokens = op.x().tensorType().dim(0);
    var pairs = op.freqs().tensorType().dim(0);
    long r = pairs.value();
    long width = op.x().tensorType().dim(2).value();
    var positions = f.reshape(f.cast(b.positions(op.at()), Scalar.F64), tokens, one, one);
    var frequencies = f.reshape(f.cast(op.freqs(), Scalar.F64), one, one, pairs);
    var angle = f.mul(positions, frequencies);
    var wide = Formulas.wide(op.x());
    var c = f.cast(f.mul(b.cos(angle), op.scale()), wide);
    var s = f.cast(f.mul(b.sin(angle), op.scale()), wide);

    var x = f.cast(op.x(), wide);
    var u = op.interleaved() ? b.slice(x, 2, 0, 2 * r, 2) : f.slice(x, 2, 0, r);
    var v = op.interleaved() ? b.slice(x, 2, 1, 2 * r, 2) : b.slice(x, 2, r, 2 * r, 1);
    var first = f.sub(f.mul(u, c), f.mul(v, s));
    var second = f.add(f.mul(v, c), f.mul(u, s));
    var parts = new ArrayList<Value>();
    if (op.interleaved()) {
      parts.add(interleaved(f, first, second));
    } else {
      parts.add(first);
      parts.add(second);
    }
    if (2 * r < width) {
      parts.add(b.slice(x, 2, 2 * r, width, 1));
    }
    return f.like(op.x(), parts.size() == 1 ? parts.getFirst() : b.concat(parts, 2));
  }

  /** [T, H, R] twice → [T, H, 2R], element by element. */
  private static Value interleaved(Formulas f, Value first, Value second) {
    var type = first.tensorType();
    var column = new ArrayList<>(type.dims());
    column.add(Dim.of(1));
    var pairs = f.ops().concat(List.of(f.reshape(first, column), f.reshape(second, column)), 3);
    return f.reshape(pairs, type.dim(0), type.dim(1), type.dim(2).times(Dim.of(2)));
  }
}
