package org.fusionc.passes;

import java.util.List;
import java.util.Set;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.decompose.Decomposer;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.PassOption;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code decompose}: op(…) → its definition in lower ops, for kernel and LLM ops, down to tensor
 * ops and primitives.
 */
public final class Decompose extends RewritePass {
  private static final PassOption ONLY =
      new PassOption("only", "", "the ops to decompose, separated by spaces; all if empty");

  public Decompose() {
    super("decompose", "Write kernel and LLM ops as the tensor ops that define them.", ONLY);
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    var text = context.text("only").strip();
    var names = text.isEmpty() ? Set.<String>of() : Set.of(text.split("\\s+"));
    return only((op, b) -> names.isEmpty() || names.contains(op.name()) ? lower(op, b) : null);
  }

  private static @Nullable Value lower(Op op, Rewriting b) {
    return Decomposer.decompose(op, b)
        .map(values -> values.size() == 1 ? values.getFirst() : b.several(values))
        .orElse(null);
  }
}
