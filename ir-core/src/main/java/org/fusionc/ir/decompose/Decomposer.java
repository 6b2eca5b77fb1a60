package org.fusionc.ir.decompose;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Ops;
import org.jspecify.annotations.Nullable;

/** Writes an op as lower ones. */
public final class Decomposer {
  private Decomposer() {}

  /**
   * The op's results in terms of lower ops, built by {@code b} from the op's operands; empty if the
   * op is a tensor op, a primitive, or an op of a plug-in that has no decomposition.
   */
  public static Optional<List<Value>> decompose(Op op, Ops b) {
    return op.decomposition(b);
  }

  /**
   * The op's decomposition as a function of the operands that are present, in a graph of its own.
   */
  public static Optional<Function> definition(Op op) {
    var b = new FunctionBuilder(new Graph(), op.name());
    var params = new ArrayList<@Nullable Value>();
    for (int i = 0; i < op.operands().size(); i++) {
      var operand = op.operands().get(i);
      params.add(operand == null ? null : b.param("x" + i, operand.type()));
    }
    return decompose(b.graph().withOperands(op, params), b).map(b::build);
  }
}
