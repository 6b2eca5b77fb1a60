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
import org.fusionc.ir.Op;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/** Makes the ops of a function round worse than they do. */
final class Rounding {
  private Rounding() {}

  /**
   * The function with the results of its ops multiplied by {@code 1 + disturbance · noise} where
   * they are f32 or f64 and rounded: neither written into the program nor only moved. So no op
   * whose result jumps reads what is disturbed, as {@link RandomModules} places those.
   */
  static Function disturbed(Graph graph, Function function, long seed, double disturbance) {
    var noise = new Random(seed);
    var builder = new FunctionBuilder(graph, function.name());
    function.params().forEach(param -> builder.param("p" + param.index(), param.type()));
    var now = new HashMap<Value, Value>();
    for (var op : function.body()) {
      var operands = new ArrayList<@Nullable Value>();
      op.operands().forEach(o -> operands.add(o == null ? null : now.getOrDefault(o, o)));
      var moved = builder.place(graph.withOperands(op, operands));
      now.put(op, moved);
      if (op.type() instanceof Type.Tuple(var parts)) {
        for (int i = 0; i < parts.size(); i++) {
          now.put(graph.result(op, i), graph.result(moved, i));
        }
      } else if (rounds(op)) {
        var one = Type.tensor(((Type.Tensor) op.type()).dtype(), List.of());
        var factor = Literal.of(1 + disturbance * noise.nextGaussian());
        now.put(op, builder.mul(moved, builder.constant(factor, one)));
      }
    }
    return builder.build(function.results().stream().map(r -> now.getOrDefault(r, r)).toList());
  }

  private static boolean rounds(Op op) {
    return !op.operands().isEmpty()
        && !(op instanceof Trait.Layout)
        && op.type() instanceof Type.Tensor tensor
        && (tensor.dtype() == Scalar.F32 || tensor.dtype() == Scalar.F64);
  }
}
