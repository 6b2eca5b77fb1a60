package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Activation;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.PackedGeglu;
import org.fusionc.ir.op.PackedSwiglu;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code fuse-gated-linear}: packed_swiglu(linear(x, w, b)) → gated_linear(x, w, b), and the same
 * with packed_geglu. The projection, a decoder's largest value, is never written to memory.
 */
public final class FuseGatedLinear extends RewritePass {
  public FuseGatedLinear() {
    super("fuse-gated-linear", "Gate a merged projection where it is computed.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return List.of(new Rule("fuse-gated-linear", FuseGatedLinear::gated));
  }

  private static @Nullable Value gated(Op op, Rewriting b) {
    return switch (op) {
      case PackedSwiglu(Linear product, _) -> gated(op, product, Activation.SILU, b);
      case PackedGeglu(Linear product, var approximate, _) ->
          gated(op, product, Activation.gelu(approximate), b);
      default -> null;
    };
  }

  private static @Nullable Value gated(Op op, Linear product, Activation activation, Rewriting b) {
    return b.isUsedOnce(product)
        ? b.gatedLinear(product.x(), product.weight(), product.bias(), activation.toString())
        : b.nearly(
            op, "the projection %s has %d uses".formatted(b.nameOf(product), b.uses(product)));
  }
}
