package org.fusionc.ir.interpret;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import java.util.function.UnaryOperator;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema;

/** The evaluators of all built-in ops. */
final class Evaluators {
  private static final Evaluators BUILT_IN = new Evaluators();

  private final Map<OpSchema, Evaluator<? super Op>> table = new HashMap<>();

  private Evaluators() {
    Elementwise.register(this);
    Reductions.register(this);
    Shapes.register(this);
    Linear.register(this);
    Quantized.register(this);
    Norms.register(this);
    Rotary.register(this);
    Caches.register(this);
    Gated.register(this);
    Control.register(this);
  }

  static Optional<Evaluator<? super Op>> find(OpSchema schema) {
    return Optional.ofNullable(BUILT_IN.table.get(schema));
  }

  <O extends Op> void on(OpSchema schema, Class<O> type, Evaluator<O> evaluator) {
    table.put(schema, (op, frame) -> evaluator.evaluate(type.cast(op), frame));
  }

  /** y[i] = f(x[i]) of a floating op. */
  void unary(OpSchema schema, DoubleUnaryOperator f) {
    table.put(schema, (op, frame) -> map(frame.array(op, 0), f));
  }

  /** y[i] = f(x[i]); integers are computed by {@code g}. */
  void unary(OpSchema schema, DoubleUnaryOperator f, LongUnaryOperator g) {
    table.put(
        schema,
        (op, frame) -> {
          var x = frame.array(op, 0);
          if (x.isReal()) {
            return map(x, f);
          }
          var y = new Array(x.dtype(), x.shape());
          for (int i = 0; i < y.size(); i++) {
            y.set(i, g.applyAsLong(x.integer(i)));
          }
          return y;
        });
  }

  static Array map(Array x, DoubleUnaryOperator f) {
    var y = new Array(x.dtype(), x.shape());
    for (int i = 0; i < y.size(); i++) {
      y.set(i, f.applyAsDouble(x.real(i)));
    }
    return y;
  }

  /** z[i] = f(x[i], y[i]), broadcasting; integers are computed by {@code g}. */
  void binary(OpSchema schema, DoubleBinaryOperator f, LongBinaryOperator g) {
    table.put(
        schema,
        (op, frame) -> {
          var x = frame.array(op, 0);
          var y = frame.array(op, 1);
          return x.isReal() ? zip(x, y, f) : zipIntegers(x, y, g);
        });
  }

  static Array zip(Array x, Array y, DoubleBinaryOperator f) {
    int[] shape = Shapes.broadcast(x.shape(), y.shape());
    var a = Shapes.spread(x, shape);
    var b = Shapes.spread(y, shape);
    var z = new Array(x.dtype(), shape);
    for (int i = 0; i < z.size(); i++) {
      z.set(i, f.applyAsDouble(a.real(i), b.real(i)));
    }
    return z;
  }

  static Array zipIntegers(Array x, Array y, LongBinaryOperator g) {
    int[] shape = Shapes.broadcast(x.shape(), y.shape());
    var a = Shapes.spread(x, shape);
    var b = Shapes.spread(y, shape);
    var z = new Array(x.dtype(), shape);
    for (int i = 0; i < z.size(); i++) {
      z.set(i, g.applyAsLong(a.integer(i), b.integer(i)));
    }
    return z;
  }

  /** An op on one array that is simplest said as a whole. */
  void whole(OpSchema schema, UnaryOperator<Array> f) {
    table.put(schema, (op, frame) -> f.apply(frame.array(op, 0)));
  }
}
