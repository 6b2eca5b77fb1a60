package org.fusionc.ir.decompose;

import java.util.List;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.RmsNorm;

/** Normalisation of the last dimension. */
final class Normalisation {
  private static final List<Long> LAST = List.of(-1L);

  private Normalisation() {}

  /** y = x · 1/√(mean x² + eps) · weight. */
  static Value rms(Formulas f, RmsNorm op) {
    var x = f.cast(op.x(), Formulas.wide(op.x()));
    var scaled = f.mul(x, inverseRoot(f, x, op.eps()));
    return f.like(op.x(), f.mul(scaled, f.like(x, op.weight())));
  }

  /** y = (x - mean x) · 1/√(var x + eps) · weight + bias. */
  static Value layer(Formulas f, LayerNorm op) {
    var x = f.cast(op.x(), Formulas.wide(op.x()));
    var centred = f.sub(x, f.ops().reduceMean(x, LAST, true));
    var scaled = f.mul(centred, inverseRoot(f, centred, op.eps()));
    return f.like(op.x(), f.addIfGiven(f.mul(scaled, f.like(x, op.weight())), op.bias()));
  }

  /** 1/√(mean x² + eps). */
  private static Value inverseRoot(Formulas f, Value x, double eps) {
    return f.ops().rsqrt(f.add(f.ops().reduceMean(f.mul(x, x), LAST, true), eps));
  }
}
