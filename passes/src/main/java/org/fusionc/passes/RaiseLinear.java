package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Add;
import org.fusionc.ir.op.Cast;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Matmul;
import org.fusionc.ir.op.Transpose;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.ir.rewrite.Rewriting;
import org.jspecify.annotations.Nullable;

/**
 * x · transpose(w) → linear(x, w); x · w → linear(x, transpose(w)) for a w that is made of weights;
 * linear(x, w) + b → linear(x, w, b). A widening cast of the weight is left to the linear, which
 * computes in x's dtype.
 */
final class RaiseLinear {
  private RaiseLinear() {}

  static @Nullable Value apply(Op op, Rewriting b) {
    return switch (op) {
      case Matmul(var x, var w, _)
          when w.tensorType().rank() == 2 && op.tensorType().dtype().isFloat() ->
          isLoadTime(w)
              ? b.linear(x, transposed(withoutCast(w), b), null)
              : b.nearly(op, "no linear: %s depends on the input".formatted(b.nameOf(w)));
      case Add(Linear linear, var bias, _) when linear.bias() == null -> bias(op, linear, bias, b);
      case Add(var bias, Linear linear, _) when linear.bias() == null -> bias(op, linear, bias, b);
      default -> null;
    };
  }

  private static @Nullable Value bias(Op op, Linear linear, Value bias, Rewriting b) {
    if (bias.tensorType().rank() != 1
        || !bias.tensorType().dim(0).equals(linear.tensorType().dim(-1))
        || !isLoadTime(bias)) {
      return null;
    }
    return b.isUsedOnce(linear)
        ? b.linear(linear.x(), linear.weight(), withoutCast(bias))
        : b.nearly(op, "no bias in the linear: its product without the bias is used too");
  }

  private static Value withoutCast(Value weight) {
    return weight instanceof Cast(var narrow, var to, _)
            && narrow.tensorType().dtype().isFloat()
            && Casts.isExact(narrow, to)
        ? narrow
        : weight;
  }

  private static Value transposed(Value weight, Rewriting b) {
    return weight instanceof Transpose(var w, _, _)
        ? withoutCast(w)
        : b.transpose(weight, List.of());
  }

  private static boolean isLoadTime(Value value) {
    return !(value instanceof Param)
        && Reachable.ops(List.of(value)).stream()
            .allMatch(op -> op.inputs().stream().noneMatch(Param.class::isInstance));
  }
}
