package org.fusionc.passes;

import java.util.List;
import java.util.Map;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Add;
import org.fusionc.ir.op.Div;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.Mul;
import org.fusionc.ir.op.ReduceMean;
import org.fusionc.ir.op.ReduceSum;
import org.fusionc.ir.op.Rsqrt;
import org.fusionc.ir.op.Sqrt;
import org.fusionc.ir.op.Sub;
import org.fusionc.ir.rewrite.Rewriting;
import org.jspecify.annotations.Nullable;

/**
 * x · rsqrt(mean x² + ε) · w → rms_norm(x, w); (x - mean x) · rsqrt(mean (x - mean x)² + ε) · w →
 * layer_norm(x, w); layer_norm(x, w) + b → layer_norm(x, w, b). A division by √ is as good as a
 * product with rsqrt, a sum divided by the size as good as a mean.
 */
final class RaiseNorms {
  private RaiseNorms() {}

  /** mean(y) over the last dimension + ε, under a root. */
  private record Spread(Value squared, double epsilon) {}

  static @Nullable Value apply(Op op, Rewriting b) {
    return switch (op) {
      case Mul _ when op.tensorType().dtype().isFloat() -> norm(op, b);
      case Add(LayerNorm inner, var bias, _)
          when inner.bias() == null && isVectorOf(bias, inner.x()) ->
          b.isUsedOnce(inner)
              ? b.layerNorm(inner.x(), inner.weight(), bias, inner.eps())
              : b.nearly(op, "no layer_norm with bias: the sum without it is used too");
      default -> null;
    };
  }

  private static @Nullable Value norm(Op op, Rewriting b) {
    var operands = ((Mul) op).inputs();
    for (var weight : operands) {
      var normed = operands.get(weight.equals(operands.getFirst()) ? 1 : 0);
      var found = normalised(normed);
      if (found != null) {
        return build(op, found.getKey(), found.getValue(), weight, b);
      }
    }
    return null;
  }

  /** What is normalised, and by what; null if the value is no such product. */
  private static Map.@Nullable Entry<Value, Spread> normalised(Value value) {
    if (value instanceof Mul(var x, Rsqrt(var inner, _), _)) {
      return entry(x, spread(inner, x));
    }
    if (value instanceof Mul(Rsqrt(var inner, _), var x, _)) {
      return entry(x, spread(inner, x));
    }
    if (value instanceof Div(var x, Sqrt(var inner, _), _)) {
      return entry(x, spread(inner, x));
    }
    return null;
  }

  private static Map.@Nullable Entry<Value, Spread> entry(Value x, @Nullable Spread spread) {
    return spread == null ? null : Map.entry(x, spread);
  }

  private static @Nullable Spread spread(Value value, Value x) {
    if (!(value instanceof Add(var mean, var epsilon, _))
        || Constants.splat(epsilon).isEmpty()
        || x.tensorType().rank() == 0) {
      return null;
    }
    var squared = meanOf(mean, x);
    return squared == null ? null : new Spread(squared, Constants.splat(epsilon).getAsDouble());
  }

  /** The value whose mean over the last dimension, which is kept, this is. */
  private static @Nullable Value meanOf(Value mean, Value x) {
    int rank = x.tensorType().rank();
    var size = x.tensorType().dim(-1);
    return switch (mean) {
      case ReduceMean(var y, var axes, var keep, _) when keep && isLast(axes, rank) -> y;
      case Div(ReduceSum(var y, var axes, var keep, _), var n, _)
          when keep
              && isLast(axes, rank)
              && size.isStatic()
              && Constants.is(n, (double) size.value()) ->
          y;
      default -> null;
    };
  }

  private static boolean isLast(List<Long> axes, int rank) {
    return axes.equals(List.of(-1L)) || axes.equals(List.of(rank - 1L));
  }

  private static @Nullable Value build(Op op, Value x, Spread spread, Value weight, Rewriting b) {
    if (!(spread.squared() instanceof Mul(var u, var v, _)) || !u.equals(x) || !v.equals(x)) {
      return b.nearly(op, "no norm: the mean is not of the square of " + b.nameOf(x));
    }
    if (!isVectorOf(weight, x)) {
      return b.nearly(
          op,
          "no norm: the weight %s is %s, not one number per element of the last dimension"
              .formatted(b.nameOf(weight), weight.type()));
    }
    if (x instanceof Sub(var y, var mean, _) && y.equals(meanOf(mean, y))) {
      return b.layerNorm(y, weight, null, spread.epsilon());
    }
    return b.rmsNorm(x, weight, spread.epsilon());
  }

  private static boolean isVectorOf(Value weight, Value x) {
    return weight.tensorType().rank() == 1
        && weight.tensorType().dim(0).equals(x.tensorType().dim(-1));
  }
}
