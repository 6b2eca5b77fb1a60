package org.fusionc.passes;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.AddLayerNorm;
import org.fusionc.ir.op.AddRmsNorm;
import org.fusionc.ir.op.Concat;
import org.fusionc.ir.op.GatherElements;
import org.fusionc.ir.op.Moe;
import org.fusionc.ir.op.Reshape;
import org.fusionc.ir.op.SelectOutputs;
import org.fusionc.ir.op.Slice;
import org.fusionc.ir.op.Softmax;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code hoist-row-selection}: select_outputs(f(x, w), at) → f(select_outputs(x, at), w), where f
 * works row by row and nothing else uses f(x, w). It turns the logits of all positions into those
 * of the wanted ones, and saves most of the last layer as well.
 */
public final class HoistRowSelection extends RewritePass {
  public HoistRowSelection() {
    super(
        "hoist-row-selection",
        "Select the wanted rows before work that goes row by row: last-position-only logits.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return only(HoistRowSelection::hoist);
  }

  private static @Nullable Value hoist(Op op, Rewriting b) {
    return switch (op) {
      case SelectOutputs(Op f, var at, _) when f.type() instanceof Type.Tensor ->
          hoist(op, f, -1, at, b);
      case SelectOutputs(Result(var f, var index, _), var at, _) -> hoist(op, f, index, at, b);
      default -> null;
    };
  }

  private static @Nullable Value hoist(Op select, Op f, int index, Value at, Rewriting b) {
    var rows = ((Type.Batch) at.type()).tokens();
    var perRow = rowOperands(f, rows);
    if (perRow == null) {
      return b.nearly(select, "%s does not work row by row".formatted(f.name()));
    }
    int uses = b.uses(index < 0 ? f : b.result(f, index));
    if (uses > 1 || b.uses(f) > 1) {
      return b.nearly(
          select, "all rows of %s are needed: it has other uses".formatted(b.nameOf(f)));
    }
    var operands = new ArrayList<@Nullable Value>(f.operands());
    for (int i : perRow) {
      var operand = operands.get(i);
      operands.set(i, operand == null ? null : selected(operand, at, b));
    }
    if (f instanceof Reshape reshape) {
      var x = operands.getFirst();
      var dims = new ArrayList<>(reshape.tensorType().dims());
      dims.set(0, ((Type.Batch) at.type()).outputs());
      return x == null ? null : b.reshape(x, reshape.tensorType().withDims(dims));
    }
    var hoisted = b.onOperands(f, operands);
    return index < 0 ? hoisted : b.result(hoisted, index);
  }

  /** The wanted rows of a value, named after it, so that people can still point at them. */
  private static Value selected(Value value, Value at, Rewriting b) {
    var rows = b.selectOutputs(value, at);
    var name = b.nameOf(value);
    return name.startsWith("%") ? b.name(rows, name.substring(1) + ".selected") : rows;
  }

  /**
   * The operands whose row t makes row t of the result; null if the result's rows do not come from
   * rows of operands alone.
   */
  private static @Nullable List<Integer> rowOperands(Op f, Dim rows) {
    return switch (f) {
      case AddRmsNorm op when op.x().tensorType().rank() > 1 -> List.of(0, 1);
      case AddLayerNorm op when op.x().tensorType().rank() > 1 -> List.of(0, 1);
      case Moe _ -> List.of(0, 1, 2);
      case GatherElements op when op.x().tensorType().rank() > 1 -> List.of(0, 1);
      case Softmax op when along(op.axis(), op.x()) > 0 -> List.of(0);
      case Slice op when along(op.axis(), op.x()) > 0 -> List.of(0);
      case Concat op when along(op.axis(), op.inputs().getFirst()) > 0 ->
          IntStream.range(0, op.inputs().size()).boxed().toList();
      case Reshape op when keepsRows(op, rows) -> List.of(0);
      case Trait.Elementwise op -> elementwiseOperands(op, rows);
      case Trait.Rowwise op when ownRows(op, rows) -> List.of(0);
      default -> null;
    };
  }

  private static long along(long axis, Value x) {
    return axis < 0 ? axis + x.tensorType().rank() : axis;
  }

  private static boolean keepsRows(Reshape op, Dim rows) {
    return startsWith(op.x(), rows) && startsWith(op, rows);
  }

  private static boolean startsWith(Value value, Dim rows) {
    return value.type() instanceof Type.Tensor t && t.rank() > 0 && t.dim(0).equals(rows);
  }

  /** The operands that have the rows; one that is broadcast along them is the same for each. */
  private static List<Integer> elementwiseOperands(Op op, Dim rows) {
    int rank = op.tensorType().rank();
    var operands = new ArrayList<Integer>();
    for (int i = 0; i < op.operands().size(); i++) {
      var operand = op.operands().get(i);
      if (operand != null && operand.tensorType().rank() == rank && startsWith(operand, rows)) {
        operands.add(i);
      }
    }
    return operands;
  }

  /** Whether the first operand has rows, apart from the dimension worked on, and no other has. */
  private static boolean ownRows(Op op, Dim rows) {
    return startsWith(op.inputs().getFirst(), rows)
        && op.inputs().getFirst().tensorType().rank() > 1
        && op.inputs().stream().skip(1).noneMatch(input -> startsWith(input, rows));
  }
}
