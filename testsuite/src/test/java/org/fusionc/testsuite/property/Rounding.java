package org.fusionc.testsuite.property;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Random;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/** Makes the ops of a function round worse than they do. */
final class Rounding {
  private final Random noise;
  private final double disturbance;
  private final FunctionBuilder builder;

  private Rounding(Random noise, double disturbance, FunctionBuilder builder) {
    this.noise = noise;
    this.disturbance = disturbance;
    this.builder = builder;
  }

  /**
   * The function with the results of its ops multiplied by {@code 1 + disturbance · noise} where
   * they are f32 or f64 and rounded: neither written into the program nor only moved. So no op
   * whose result jumps reads what is disturbed, as {@link RandomModules} places those.
   */
  static Function disturbed(Graph graph, Function function, long seed, double disturbance) {
    var builder = new FunctionBuilder(graph, function.name());
    return new Rounding(new Random(seed), disturbance, builder).of(graph, function);
  }

  private Function of(Graph graph, Function function) {
    function.params().forEach(param -> builder.param("p" + param.index(), param.type()));
    var now = new HashMap<Value, Value>();
    for (var op : function.body()) {
      var operands = new ArrayList<@Nullable Value>();
      op.operands().forEach(o -> operands.add(o == null ? null : now.getOrDefault(o, o)));
      var moved = builder.place(graph.withOperands(op, operands));
      if (op.type() instanceof Type.Tuple(var parts)) {
        for (int i = 0; i < parts.size(); i++) {
          now.put(graph.result(op, i), rounded(graph.result(moved, i)));
        }
      } else {
        boolean rounds = !op.operands().isEmpty() && !(op instanceof Trait.Layout);
        now.put(op, rounds ? rounded(moved) : moved);
      }
    }
    return builder.build(function.results().stream().map(r -> now.getOrDefault(r, r)).toList());
  }

  private Value rounded(Value value) {
    if (!(value.type() instanceof Type.Tensor(var dtype, _))
        || (dtype != Scalar.F32 && dtype != Scalar.F64)) {
      return value;
    }
    var factor = Literal.of(1 + disturbance * noise.nextGaussian());
    return builder.mul(value, builder.constant(factor, Type.tensor(dtype, List.of())));
  }
}
