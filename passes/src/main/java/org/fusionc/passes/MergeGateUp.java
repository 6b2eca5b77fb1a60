package org.fusionc.passes;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.fusionc.ir.Function;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Geglu;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Mul;
import org.fusionc.ir.op.Swiglu;

/**
 * {@code merge-gate-up}: gated(linear(x, g), linear(x, u)) → gated of the halves of one linear on
 * both weights. Gate comes first, as {@link FuseSwiglu} wants it.
 */
public final class MergeGateUp extends MergeLinears {
  @Override
  public String name() {
    return "merge-gate-up";
  }

  @Override
  public String summary() {
    return "Merge the gate and up projections of a gated feed-forward layer.";
  }

  @Override
  List<? extends Collection<Linear>> candidates(Function function) {
    var groups = new ArrayList<List<Linear>>();
    for (var op : function.body()) {
      switch (op) {
        case Swiglu(var gate, var up, _) -> add(gate, up, groups);
        case Geglu(var gate, var up, _, _) -> add(gate, up, groups);
        case Mul(var x, var y, _) when isActivation(x) && y instanceof Linear -> add(x, y, groups);
        case Mul(var x, var y, _) when isActivation(y) && x instanceof Linear -> add(y, x, groups);
        default -> {}
      }
    }
    return groups;
  }

  private static boolean isActivation(Value value) {
    return value instanceof Trait.Elementwise op && op.inputs().size() == 1;
  }

  private static void add(Value gate, Value up, List<List<Linear>> groups) {
    var g = origin(gate);
    var u = origin(up);
    if (g instanceof Linear first && u instanceof Linear second && !g.equals(u)) {
      groups.add(List.of(first, second));
    }
  }

  /** What a chain of elementwise ops of one operand starts from. */
  private static Value origin(Value value) {
    var current = value;
    while (current instanceof Trait.Elementwise op && op.inputs().size() == 1) {
      current = op.inputs().getFirst();
    }
    return current;
  }
}
