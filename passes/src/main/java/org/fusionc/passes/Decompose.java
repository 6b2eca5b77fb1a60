package org.fusionc.passes;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
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

  @Override
  public Module run(Module module, PassContext context) {
    return withDims(super.run(module, context));
  }

  /** Declares the symbols that definitions bring, such as the number of cache entries in view. */
  private static Module withDims(Module module) {
    var declared = module;
    for (var function : module.functions().values()) {
      for (var op : function.body()) {
        var parts = op.type() instanceof Type.Tuple tuple ? tuple.parts() : List.of(op.type());
        for (var part : parts) {
          if (part instanceof Type.Tensor tensor) {
            for (var symbol : symbols(tensor)) {
              declared = withDim(declared, symbol);
            }
          }
        }
      }
    }
    return declared;
  }

  /** Of all dimensions: a size that is 0 would hide the others. */
  private static Set<String> symbols(Type.Tensor tensor) {
    var symbols = new TreeSet<String>();
    tensor.dims().forEach(dim -> symbols.addAll(dim.symbols()));
    return symbols;
  }

  private static Module withDim(Module module, String symbol) {
    return module.dims().containsKey(symbol)
        ? module
        : module.withDim(symbol, new Module.Bounds(0, Integer.MAX_VALUE));
  }

  private static @Nullable Value lower(Op op, Rewriting b) {
    return Decomposer.decompose(op, b)
        .map(values -> values.size() == 1 ? values.getFirst() : b.several(values))
        .orElse(null);
  }
}
