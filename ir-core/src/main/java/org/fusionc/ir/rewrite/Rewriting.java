package org.fusionc.ir.rewrite;

import java.util.List;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Ops;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Rewrite} works with: one builder method per op, the uses of values, and a place to
 * say why something was not rewritten. Built ops are checked and have their types inferred.
 */
public final class Rewriting extends Ops {
  private final Sweep sweep;

  Rewriting(Sweep sweep) {
    this.sweep = sweep;
  }

  @Override
  public Op build(
      OpSchema schema,
      List<? extends @Nullable Value> operands,
      List<Object> attributes,
      @Nullable Type stated) {
    return sweep.built(graph().build(schema, operands, attributes, stated, sweep.location()));
  }

  public Graph graph() {
    return sweep.graph();
  }

  /** The function being rewritten, as it was before this sweep. */
  public Function function() {
    return sweep.source();
  }

  /** Result {@code index} of an op with several. */
  public Result result(Op op, int index) {
    return graph().result(op, index);
  }

  /** The op of the same kind, attributes and inferred type on other operands. */
  public Op onOperands(Op op, List<? extends @Nullable Value> operands) {
    return build(op.schema(), operands, op.attributes(), op.schema().isStated() ? op.type() : null);
  }

  /** The replacement of an op with several results by one value for each. */
  public Value several(List<? extends Value> values) {
    return new Several(List.copyOf(values));
  }

  public Value several(Value... values) {
    return several(List.of(values));
  }

  /**
   * Beside replacing the op at hand, replaces another value of equal type everywhere: {@code
   * add_rms_norm} gives the sum to all who used the {@code add}.
   *
   * @param replacement must not need {@code old}
   */
  public void alsoReplace(Value old, Value replacement) {
    sweep.alsoReplace(old, replacement);
  }

  /**
   * How often live ops and the function's results use the value. Never too small; after a rule
   * fired it may be too large until the next sweep.
   */
  public int uses(Value value) {
    return sweep.uses(value);
  }

  public boolean isUsedOnce(Value value) {
    return uses(value) == 1;
  }

  /** Proposes a name for a new value, without the {@code %}; a name that it inherits wins. */
  public <V extends Value> V name(V value, String name) {
    sweep.propose(value, name);
    return value;
  }

  /** The value's name in the text with its {@code %} or {@code @}; its op's if it has none. */
  public String nameOf(Value value) {
    return sweep.nameOf(value);
  }

  /**
   * Notes that the rule would have fired on the op but for the reason.
   *
   * @return null, so that {@code default -> b.nearly(op, "…")} leaves the op
   */
  public @Nullable Value nearly(Op op, String reason) {
    sweep.nearly(op, reason);
    return null;
  }
}
