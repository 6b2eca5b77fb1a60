package org.fusionc.passes;

import java.util.List;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Add;
import org.fusionc.ir.op.AddLayerNorm;
import org.fusionc.ir.op.AddRmsNorm;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.RmsNorm;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code fuse-add-rms-norm}: s = x + r, rms_norm(s, w) → s, n = add_rms_norm(x, r, w), and the same
 * with layer_norm. One pass over the hidden state instead of two; whoever else uses s gets it from
 * the fused op.
 */
public final class FuseAddNorm extends RewritePass {
  public FuseAddNorm() {
    super("fuse-add-rms-norm", "Add the residual and normalise in one op.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return List.of(
        new Rule("fuse-add-rms-norm", FuseAddNorm::rmsNorm),
        new Rule("fuse-add-layer-norm", FuseAddNorm::layerNorm));
  }

  private static @Nullable Value rmsNorm(Op op, Rewriting b) {
    return switch (op) {
      case RmsNorm(Add sum, var w, var eps, _) -> {
        var obstacle = obstacle(sum, List.of(w));
        if (obstacle != null) {
          yield b.nearly(op, obstacle);
        }
        var fused = b.addRmsNorm(sum.x(), sum.y(), w, eps);
        b.alsoReplace(sum, b.result(fused, 0));
        yield b.result(fused, 1);
      }
      case RmsNorm(Result(AddRmsNorm _, var index, _), _, _, _) when index == 0 ->
          b.nearly(op, "the sum is normalised more than once; the first norm took it");
      default -> null;
    };
  }

  private static @Nullable Value layerNorm(Op op, Rewriting b) {
    return switch (op) {
      case LayerNorm(Add sum, var w, var bias, var eps, _) -> {
        var obstacle = obstacle(sum, bias == null ? List.of(w) : List.of(w, bias));
        if (obstacle != null) {
          yield b.nearly(op, obstacle);
        }
        var fused = b.addLayerNorm(sum.x(), sum.y(), w, bias, eps);
        b.alsoReplace(sum, b.result(fused, 0));
        yield b.result(fused, 1);
      }
      case LayerNorm(Result(AddLayerNorm _, var index, _), _, _, _, _) when index == 0 ->
          b.nearly(op, "the sum is normalised more than once; the first norm took it");
      default -> null;
    };
  }

  private static @Nullable String obstacle(Add sum, List<Value> weights) {
    if (!sum.x().type().equals(sum.y().type())) {
      return "the sum broadcasts %s and %s".formatted(sum.x().type(), sum.y().type());
    }
    return Reachable.ops(weights).contains(sum) ? "the norm's weights depend on the sum" : null;
  }
}
