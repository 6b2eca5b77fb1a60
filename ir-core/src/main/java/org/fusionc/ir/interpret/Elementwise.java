package org.fusionc.ir.interpret;

import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.op.Abs;
import org.fusionc.ir.op.Activation;
import org.fusionc.ir.op.Add;
import org.fusionc.ir.op.And;
import org.fusionc.ir.op.Cast;
import org.fusionc.ir.op.Ceil;
import org.fusionc.ir.op.Clip;
import org.fusionc.ir.op.Cos;
import org.fusionc.ir.op.Div;
import org.fusionc.ir.op.Equal;
import org.fusionc.ir.op.Erf;
import org.fusionc.ir.op.Exp;
import org.fusionc.ir.op.Floor;
import org.fusionc.ir.op.Gelu;
import org.fusionc.ir.op.Less;
import org.fusionc.ir.op.LessEqual;
import org.fusionc.ir.op.Log;
import org.fusionc.ir.op.Max;
import org.fusionc.ir.op.Min;
import org.fusionc.ir.op.Mul;
import org.fusionc.ir.op.Neg;
import org.fusionc.ir.op.Not;
import org.fusionc.ir.op.Or;
import org.fusionc.ir.op.Pow;
import org.fusionc.ir.op.Relu;
import org.fusionc.ir.op.Round;
import org.fusionc.ir.op.Rsqrt;
import org.fusionc.ir.op.Sigmoid;
import org.fusionc.ir.op.Sign;
import org.fusionc.ir.op.Silu;
import org.fusionc.ir.op.Sin;
import org.fusionc.ir.op.Softcap;
import org.fusionc.ir.op.Sqrt;
import org.fusionc.ir.op.Sub;
import org.fusionc.ir.op.Tanh;
import org.fusionc.ir.op.Where;

/** Ops whose result at a place depends on the operands at that place. */
final class Elementwise {
  private Elementwise() {}

  static void register(Evaluators e) {
    e.on(Cast.SCHEMA, Cast.class, (op, f) -> f.array(op.x()).cast(Frame.scalar(op.to())));
    e.unary(Neg.SCHEMA, x -> -x, x -> -x);
    e.unary(Abs.SCHEMA, Math::abs, Math::abs);
    e.unary(Sign.SCHEMA, Math::signum, Long::signum);
    e.unary(Floor.SCHEMA, Math::floor);
    e.unary(Ceil.SCHEMA, Math::ceil);
    e.unary(Round.SCHEMA, Math::rint);
    e.unary(Exp.SCHEMA, Math::exp);
    e.unary(Log.SCHEMA, Math::log);
    e.unary(Sqrt.SCHEMA, Math::sqrt);
    e.unary(Rsqrt.SCHEMA, x -> 1 / Math.sqrt(x));
    e.unary(Sin.SCHEMA, Math::sin);
    e.unary(Cos.SCHEMA, Math::cos);
    e.unary(Tanh.SCHEMA, Math::tanh);
    e.unary(Erf.SCHEMA, Scalars::erf);
    e.unary(Sigmoid.SCHEMA, Scalars::sigmoid);
    e.unary(Relu.SCHEMA, x -> Math.max(x, 0), x -> Math.max(x, 0));
    e.unary(Silu.SCHEMA, Scalars::silu);
    e.unary(Not.SCHEMA, x -> x, x -> 1 - x);
    e.on(
        Gelu.SCHEMA,
        Gelu.class,
        (op, f) ->
            Evaluators.map(f.array(op.x()), Scalars.function(Activation.gelu(op.approximate()))));
    e.on(
        Softcap.SCHEMA,
        Softcap.class,
        (op, f) -> Evaluators.map(f.array(op.x()), x -> op.cap() * Math.tanh(x / op.cap())));
    e.on(Clip.SCHEMA, Clip.class, Elementwise::clip);

    e.binary(Add.SCHEMA, Double::sum, Long::sum);
    e.binary(Sub.SCHEMA, (x, y) -> x - y, (x, y) -> x - y);
    e.binary(Mul.SCHEMA, (x, y) -> x * y, (x, y) -> x * y);
    e.binary(Pow.SCHEMA, Math::pow, Scalars::pow);
    e.on(Div.SCHEMA, Div.class, Elementwise::div);
    e.on(Max.SCHEMA, Max.class, (op, f) -> extreme(f.array(op.x()), f.array(op.y()), true));
    e.on(Min.SCHEMA, Min.class, (op, f) -> extreme(f.array(op.x()), f.array(op.y()), false));
    e.binary(And.SCHEMA, (x, y) -> x * y, (x, y) -> x & y);
    e.binary(Or.SCHEMA, (x, y) -> x + y, (x, y) -> x | y);

    e.on(
        Equal.SCHEMA,
        Equal.class,
        (op, f) -> compare(f.array(op.x()), f.array(op.y()), (x, y) -> x == y, (x, y) -> x == y));
    e.on(
        Less.SCHEMA,
        Less.class,
        (op, f) -> {
          var x = f.array(op.x());
          return compare(x, f.array(op.y()), (a, b) -> a < b, (a, b) -> order(x, a, b) < 0);
        });
    e.on(
        LessEqual.SCHEMA,
        LessEqual.class,
        (op, f) -> {
          var x = f.array(op.x());
          return compare(x, f.array(op.y()), (a, b) -> a <= b, (a, b) -> order(x, a, b) <= 0);
        });
    e.on(Where.SCHEMA, Where.class, Elementwise::where);
  }

  /** The order of two elements of an integer array. */
  static int order(Array of, long a, long b) {
    return of.dtype() == Scalar.U64 ? Long.compareUnsigned(a, b) : Long.compare(a, b);
  }

  private static Array clip(Clip op, Frame frame) {
    var x = frame.array(op.x());
    if (x.isReal()) {
      return Evaluators.map(x, v -> Math.min(Math.max(v, op.min()), op.max()));
    }
    var y = new Array(x.dtype(), x.shape());
    for (int i = 0; i < y.size(); i++) {
      double v = x.real(i);
      if (Math.max(v, op.min()) > op.max()) {
        y.set(i, op.max());
      } else if (v < op.min()) {
        y.set(i, op.min());
      } else {
        y.set(i, x.integer(i));
      }
    }
    return y;
  }

  private static Array div(Div op, Frame frame) {
    var x = frame.array(op.x());
    var y = frame.array(op.y());
    if (x.isReal()) {
      return Evaluators.zip(x, y, (a, b) -> a / b);
    }
    return Evaluators.zipIntegers(
        x,
        y,
        (a, b) -> {
          if (b == 0) {
            throw new Problem(a + " is divided by zero", "");
          }
          return x.dtype() == Scalar.U64 ? Long.divideUnsigned(a, b) : a / b;
        });
  }

  private static Array extreme(Array x, Array y, boolean greater) {
    if (x.isReal()) {
      return Evaluators.zip(x, y, greater ? Math::max : Math::min);
    }
    return Evaluators.zipIntegers(x, y, (a, b) -> order(x, a, b) > 0 == greater ? a : b);
  }

  /** Whether a relation holds between two numbers. */
  private interface Relation {
    boolean holds(double x, double y);
  }

  /** Whether a relation holds between two integers. */
  private interface IntegerRelation {
    boolean holds(long x, long y);
  }

  private static Array compare(Array x, Array y, Relation reals, IntegerRelation integers) {
    int[] shape = Shapes.broadcast(x.shape(), y.shape());
    var a = Shapes.spread(x, shape);
    var b = Shapes.spread(y, shape);
    var z = new Array(Scalar.BOOL, shape);
    for (int i = 0; i < z.size(); i++) {
      boolean holds =
          x.isReal()
              ? reals.holds(a.real(i), b.real(i))
              : integers.holds(a.integer(i), b.integer(i));
      z.set(i, holds ? 1L : 0L);
    }
    return z;
  }

  private static Array where(Where op, Frame frame) {
    var condition = frame.array(op.condition());
    var x = frame.array(op.x());
    var y = frame.array(op.y());
    int[] shape = Shapes.broadcast(Shapes.broadcast(x.shape(), y.shape()), condition.shape());
    var c = Shapes.spread(condition, shape);
    var a = Shapes.spread(x, shape);
    var b = Shapes.spread(y, shape);
    var z = new Array(x.dtype(), shape);
    for (int i = 0; i < z.size(); i++) {
      var chosen = c.truth(i) ? a : b;
      if (z.isReal()) {
        z.set(i, chosen.real(i));
      } else {
        z.set(i, chosen.integer(i));
      }
    }
    return z;
  }
}
