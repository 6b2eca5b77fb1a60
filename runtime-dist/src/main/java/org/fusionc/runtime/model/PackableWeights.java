package org.fusionc.runtime.model;

import java.util.HashSet;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.op.GatedLinear;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Moe;
import org.fusionc.ir.rewrite.Reachable;

/** Which weights can be stored as the kernels of products read them. */
final class PackableWeights {
  private PackableWeights() {}

  /** The weights of products that nothing else reads, but for rows being picked of them. */
  static Set<String> of(Module module) {
    var packed = new HashSet<String>();
    var others = new HashSet<String>();
    for (var function : module.functions().values()) {
      Reachable.nested(function).forEach(body -> uses(body, packed, others));
      uses(function, packed, others);
    }
    for (var weight : module.weights().values()) {
      if (weight.source() instanceof WeightSource.Computed(var function)) {
        if (!ComputedWeights.isWorthStoring(weight)) {
          Reachable.weights(function).forEach(read -> others.add(read.symbol()));
          others.add(weight.symbol());
        }
      }
    }
    packed.removeAll(others);
    return packed;
  }

  private static void uses(Function function, Set<String> packed, Set<String> others) {
    for (Op op : function.body()) {
      for (Value input : op.inputs()) {
        if (input instanceof Weight weight && !isPickedFrom(op, input)) {
          (isMultiplied(op, input) ? packed : others).add(weight.symbol());
        }
      }
    }
    for (Value result : function.results()) {
      if (result instanceof Weight weight) {
        others.add(weight.symbol());
      }
    }
  }

  private static boolean isPickedFrom(Op op, Value value) {
    return op instanceof Gather gather
        && gather.x().equals(value)
        && !gather.indices().equals(value)
        && gather.axis() == 0
        && value.tensorType().rank() == 2;
  }

  private static boolean isMultiplied(Op op, Value value) {
    if (!PackedLayout.packs(value.tensorType())) {
      return false;
    }
    return switch (op) {
      case Linear(var x, var weight, _, _) -> isMatrix(value, weight, x);
      case GatedLinear(var x, var weight, _, _, _) -> isMatrix(value, weight, x);
      case Moe moe ->
          (moe.gate().equals(value) || moe.up().equals(value) || moe.down().equals(value))
              && value.tensorType().rank() == 3;
      default -> false;
    };
  }

  private static boolean isMatrix(Value value, Value weight, Value x) {
    return weight.equals(value) && !x.equals(value) && value.tensorType().rank() == 2;
  }
}
