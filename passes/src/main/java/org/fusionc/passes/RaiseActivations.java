package org.fusionc.passes;

import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Add;
import org.fusionc.ir.op.Div;
import org.fusionc.ir.op.Erf;
import org.fusionc.ir.op.Gelu;
import org.fusionc.ir.op.Mul;
import org.fusionc.ir.op.Sigmoid;
import org.fusionc.ir.op.Silu;
import org.fusionc.ir.op.Tanh;
import org.fusionc.ir.rewrite.Rewriting;
import org.jspecify.annotations.Nullable;

/**
 * x · sigmoid(x) → silu(x); ½ x (1 + erf(x/√2)) → gelu(x); ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))
 * → gelu(x) by tanh; c · tanh(x/c) → softcap(x, c); silu(g) · u → swiglu(g, u); gelu(g) · u →
 * geglu(g, u). Products in any order and bracketing.
 */
final class RaiseActivations {
  private RaiseActivations() {}

  static @Nullable Value apply(Op op, Rewriting b) {
    if (!(op instanceof Mul(var x, var y, _)) || !op.tensorType().dtype().isFloat()) {
      return null;
    }
    if (x instanceof Silu(var gate, _) && x.type().equals(y.type())) {
      return b.swiglu(gate, y);
    }
    if (y instanceof Silu(var gate, _) && x.type().equals(y.type())) {
      return b.swiglu(gate, x);
    }
    if (x instanceof Gelu(var gate, var approximate, _) && x.type().equals(y.type())) {
      return b.geglu(gate, y, approximate);
    }
    if (y instanceof Gelu(var gate, var approximate, _) && x.type().equals(y.type())) {
      return b.geglu(gate, x, approximate);
    }
    var product = Products.of(op);
    for (var factor : product.factors()) {
      var raised =
          switch (factor) {
            case Sigmoid(var inner, _) -> silu(op, product, factor, inner, b);
            case Add(Erf(var inner, _), var one, _) when Constants.is(one, 1) ->
                gelu(op, product, factor, inner, b);
            case Add(Tanh(var inner, _), var one, _) when Constants.is(one, 1) ->
                tanhGelu(op, product, factor, inner, b);
            case Tanh(var inner, _) -> softcap(op, product, inner, b);
            default -> null;
          };
      if (raised != null) {
        return raised;
      }
    }
    return null;
  }

  private static @Nullable Value silu(
      Op op, Products product, Value sigmoid, Value x, Rewriting b) {
    if (product.scale() == 1 && product.hasFactors(sigmoid, x)) {
      return b.silu(x);
    }
    return product.factors().size() == 2
        ? b.nearly(
            op,
            "no silu: the sigmoid is of %s, the other factor is %s"
                .formatted(b.nameOf(x), b.nameOf(product.without(sigmoid).getFirst())))
        : null;
  }

  private static @Nullable Value gelu(
      Op op, Products product, Value factor, Value inner, Rewriting b) {
    if (product.factors().size() != 2) {
      return null;
    }
    var x = product.without(factor).getFirst();
    var scaled = Products.of(inner);
    if (!scaled.hasFactors(x)) {
      return b.nearly(op, "no gelu: the erf is not of %s".formatted(b.nameOf(x)));
    }
    return product.isAbout(0.5) && scaled.isAbout(Math.sqrt(0.5))
        ? b.gelu(x, "none")
        : b.nearly(
            op,
            "no gelu: it is scaled by %s and its erf by %s, not by 0.5 and 1/√2"
                .formatted(product.scale(), scaled.scale()));
  }

  private static @Nullable Value tanhGelu(
      Op op, Products product, Value factor, Value inner, Rewriting b) {
    if (product.factors().size() != 2) {
      return null;
    }
    var x = product.without(factor).getFirst();
    return product.isAbout(0.5) && isGeluArgument(inner, x)
        ? b.gelu(x, "tanh")
        : b.nearly(op, "no gelu: not ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) of " + b.nameOf(x));
  }

  private static boolean isGeluArgument(Value value, Value x) {
    var product = Products.of(value);
    if (!product.isAbout(Math.sqrt(2 / Math.PI))) {
      return false;
    }
    for (var factor : product.factors()) {
      if (factor instanceof Add(var u, var v, _)) {
        // √(2/π) · (x + 0.044715 x³), or √(2/π) · x · (1 + 0.044715 x²)
        if (product.hasFactors(factor) && (isCubic(u, v, x) || isCubic(v, u, x))) {
          return true;
        }
        if (product.hasFactors(factor, x) && Constants.is(v, 1)) {
          var square = Products.of(u);
          return square.isAbout(0.044715) && square.hasFactors(x, x);
        }
      }
    }
    return false;
  }

  private static boolean isCubic(Value u, Value v, Value x) {
    var cube = Products.of(v);
    return u.equals(x) && cube.isAbout(0.044715) && cube.hasFactors(x, x, x);
  }

  private static @Nullable Value softcap(Op op, Products product, Value inner, Rewriting b) {
    double cap = product.scale();
    if (product.factors().size() != 1 || cap <= 0) {
      return null;
    }
    var scaled = Products.of(inner);
    if (scaled.factors().size() == 1 && scaled.isAbout(1 / cap)) {
      // The number written by the exporter is the exact one of the two.
      return b.softcap(scaled.factors().getFirst(), cap);
    }
    return inner instanceof Div || inner instanceof Mul
        ? b.nearly(
            op,
            "no softcap: tanh's operand is scaled by %s, not by 1/%s"
                .formatted(scaled.scale(), cap))
        : null;
  }
}
