package org.fusionc.ir.decompose;

import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Attention;

/** Attention over the entries of the cache that the batch's sequences can see. */
final class Attending {
  private static final List<Long> LAST = List.of(-1L);

  private Attending() {}

  /**
   * y[t, h] = Σ_c e^s · v[c, h'] / (Σ_c e^s + e^sinks[h]), where s is -∞ for the entries c that
   * token t does not see. The H heads are HK groups of G, so that h' = ⌊h / G⌋ is an axis.
   */
  static Value attention(Formulas f, Attention op) {
    var b = f.ops();
    var kv = (Type.Kv) op.kv().type();
    var wide = Formulas.wide(op.q());
    var one = Dim.of(1);
    var tokens = op.q().tensorType().dim(0);
    var heads = op.q().tensorType().dim(1);
    var groups = Dim.of(kv.heads());
    var group = Dim.of(heads.value() / kv.heads());
    var keyDim = Dim.of(kv.keyDim());
    var valueDim = Dim.of(kv.valueDim());
    var entries = Decomposer.context((Type.Batch) op.at().type());
    var keys = b.kvKeys(op.kv(), op.at(), Type.tensor(Scalar.F32, entries, groups, keyDim));
    var values = b.kvValues(op.kv(), op.at(), Type.tensor(Scalar.F32, entries, groups, valueDim));

    // s = cap(scale · q · k) + slopes · (p - position) : [HK, G, T, C]
    var q = f.reshape(f.cast(op.q(), wide), tokens, groups, group, keyDim);
    var k = f.reshape(f.transpose(f.cast(keys, wide), 1, 2, 0), groups, one, keyDim, entries);
    var s = f.mul(b.matmul(f.transpose(q, 1, 2, 0, 3), k), op.scale());
    if (op.softcap() > 0) {
      s = f.mul(b.tanh(f.div(s, op.softcap())), op.softcap());
    }
    var index = Type.tensor(Scalar.I32, entries);
    var position = f.reshape(b.positions(op.at()), tokens, one);
    var distance = f.sub(b.kvPositions(op.kv(), op.at(), index), position); // [T, C]
    if (op.slopes() != null) {
      var slopes = f.reshape(f.cast(op.slopes(), wide), groups, group, one, one);
      s = f.add(s, f.mul(slopes, f.cast(distance, wide)));
    }

    // own sequence, p ≤ position, p > position - window
    var sequence = f.reshape(b.sequences(op.at()), tokens, one);
    Value seen = b.equal(b.kvSequences(op.kv(), op.at(), index), sequence);
    seen = b.and(seen, b.lessEqual(distance, f.number(0, distance)));
    if (op.window() > 0) {
      seen = b.and(seen, b.less(f.number((double) -op.window(), distance), distance));
    }
    s = b.where(seen, s, f.number(Double.NEGATIVE_INFINITY, s));

    Value weights;
    if (op.sinks() == null) {
      weights = b.softmax(s, -1);
    } else {
      var sinks = f.reshape(f.cast(op.sinks(), wide), groups, group, one, one);
      var max = b.max(b.reduceMax(s, LAST, true), sinks);
      var e = b.exp(f.sub(s, max));
      weights = b.div(e, f.add(b.reduceSum(e, LAST, true), b.exp(f.sub(sinks, max))));
    }
    var v = f.reshape(f.transpose(f.cast(values, wide), 1, 0, 2), groups, one, entries, valueDim);
    var mixed = f.transpose(b.matmul(weights, v), 2, 0, 1, 3);
    return f.like(op.q(), f.reshape(mixed, tokens, heads, valueDim));
  }
}
