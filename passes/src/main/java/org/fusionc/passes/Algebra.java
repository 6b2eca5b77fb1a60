package org.fusionc.passes;

import org.fusionc.ir.Op;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.op.Abs;
import org.fusionc.ir.op.Add;
import org.fusionc.ir.op.And;
import org.fusionc.ir.op.BroadcastTo;
import org.fusionc.ir.op.Ceil;
import org.fusionc.ir.op.Clip;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Div;
import org.fusionc.ir.op.Floor;
import org.fusionc.ir.op.Max;
import org.fusionc.ir.op.Min;
import org.fusionc.ir.op.Mul;
import org.fusionc.ir.op.Neg;
import org.fusionc.ir.op.Not;
import org.fusionc.ir.op.Or;
import org.fusionc.ir.op.Pow;
import org.fusionc.ir.op.Relu;
import org.fusionc.ir.op.Round;
import org.fusionc.ir.op.Sqrt;
import org.fusionc.ir.op.Sub;
import org.fusionc.ir.op.Where;
import org.fusionc.ir.rewrite.Rewriting;
import org.jspecify.annotations.Nullable;

/**
 * x + 0, x - 0, x · 1, x / 1, x¹ → x; -(-x) → x; x + -y → x - y; x · -1 → -x; x² → x · x; x^½ → √x;
 * 1 / √x → rsqrt x; max(x, x) → x; f(f(x)) → f(x) for rounding and rectifying f; operands of
 * commutative ops in one order: computed, then weights, then constants.
 */
final class Algebra {
  private Algebra() {}

  static @Nullable Value apply(Op op, Rewriting b) {
    var simple = simplify(op, b);
    if (simple != null && simple.type().equals(op.type())) {
      return simple;
    }
    return op instanceof Trait.Commutative ? ordered(op, b) : null;
  }

  /** A simpler value, which may lack dimensions that the op's other operand broadcasts it to. */
  private static @Nullable Value simplify(Op op, Rewriting b) {
    return switch (op) {
      case Add(var x, var y, _) when Constants.is(y, 0) -> x;
      case Add(var x, var y, _) when Constants.is(x, 0) -> y;
      case Add(var x, Neg(var y, _), _) -> b.sub(x, y);
      case Add(Neg(var x, _), var y, _) -> b.sub(y, x);
      case Sub(var x, var y, _) when Constants.is(y, 0) -> x;
      case Sub(var x, var y, _) when Constants.is(x, 0) -> b.neg(y);
      case Sub(var x, Neg(var y, _), _) -> b.add(x, y);
      case Mul(var x, var y, _) when Constants.is(y, 1) -> x;
      case Mul(var x, var y, _) when Constants.is(x, 1) -> y;
      case Mul(var x, var y, _) when Constants.is(y, -1) -> b.neg(x);
      case Div(var x, var y, _) when Constants.is(y, 1) -> x;
      case Div(var x, Sqrt(var y, _), _) when Constants.is(x, 1) -> b.rsqrt(y);
      case Pow(var x, var y, _) when Constants.is(y, 1) -> x;
      case Pow(var x, var y, _) when Constants.is(y, 2) -> b.mul(x, x);
      case Pow(var x, var y, _) when Constants.is(y, 0.5) -> b.sqrt(x);
      case Pow(var x, var y, _) when Constants.is(y, -0.5) -> b.rsqrt(x);
      case Neg(Neg(var x, _), _) -> x;
      case Neg(Sub(var x, var y, _), _) -> b.sub(y, x);
      case Not(Not(var x, _), _) -> x;
      case Abs(Abs inner, _) -> inner;
      // Unsigned integers wrap: the negation of 1 is the largest.
      case Abs(Neg(var x, _), _) when x.tensorType().dtype().isFloat() -> b.abs(x);
      case Relu(Relu inner, _) -> inner;
      case Floor(Floor inner, _) -> inner;
      case Ceil(Ceil inner, _) -> inner;
      case Round(Round inner, _) -> inner;
      case Clip(var x, var low, var high, _)
          when low == Double.NEGATIVE_INFINITY && high == Double.POSITIVE_INFINITY ->
          x;
      case Max(var x, var y, _) when x.equals(y) -> x;
      case Min(var x, var y, _) when x.equals(y) -> x;
      case And(var x, var y, _) when x.equals(y) -> x;
      case Or(var x, var y, _) when x.equals(y) -> x;
      case Where(_, var x, var y, _) when x.equals(y) -> x;
      default -> null;
    };
  }

  private static @Nullable Value ordered(Op op, Rewriting b) {
    var operands = op.inputs();
    return place(operands.getFirst()) > place(operands.getLast())
        ? b.onOperands(op, operands.reversed())
        : null;
  }

  private static int place(Value value) {
    return switch (value) {
      case Constant _ -> 3;
      case BroadcastTo(Constant _, _) -> 3;
      case Weight _ -> 2;
      default -> 0;
    };
  }
}
