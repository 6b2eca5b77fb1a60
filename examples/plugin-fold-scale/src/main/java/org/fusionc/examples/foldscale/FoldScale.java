package org.fusionc.examples.foldscale;

import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Mul;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code fold-scale}: linear(x, w) · c → linear(x, w · c). The product with the weight is load-time
 * work once {@code split-load-time} has run, so that nothing is multiplied while tokens are made.
 */
public final class FoldScale extends RewritePass {
  /** A pass of a plug-in needs a public constructor without parameters. */
  public FoldScale() {
    super("fold-scale", "Fold a constant scale of a linear into its weight.");
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    return only(FoldScale::fold);
  }

  private static @Nullable Value fold(Op op, Rewriting b) {
    return switch (op) {
      case Mul(Linear linear, Constant(var literal, _), _) when literal.isSplat() ->
          fold(op, linear, literal, b);
      case Mul(Constant(var literal, _), Linear linear, _) when literal.isSplat() ->
          fold(op, linear, literal, b);
      default -> null;
    };
  }

  private static @Nullable Value fold(Op op, Linear linear, Literal scale, Rewriting b) {
    if (!op.type().equals(linear.type())) {
      return null; // the constant broadcasts the product to another shape
    }
    if (linear.bias() != null) {
      return b.nearly(op, "the linear has a bias, which the scale would miss");
    }
    if (!b.isUsedOnce(linear)) {
      return b.nearly(op, "%s is used without the scale too".formatted(b.nameOf(linear)));
    }
    var dtype = linear.weight().tensorType().dtype();
    double factor = scale.elements().getFirst().doubleValue();
    if (dtype != Scalar.F32 && !isPowerOfTwo(factor)) {
      return b.nearly(
          op, "a scale of %s would round the weight, which is %s".formatted(factor, dtype));
    }
    var constant = b.constant(scale, Type.tensor(dtype, List.of()));
    return b.linear(linear.x(), b.mul(linear.weight(), constant), null);
  }

  private static boolean isPowerOfTwo(double number) {
    return number != 0
        && Double.isFinite(number)
        && Math.scalb(1.0, Math.getExponent(number)) == Math.abs(number);
  }
}
