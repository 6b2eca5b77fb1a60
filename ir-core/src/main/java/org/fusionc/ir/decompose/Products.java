package org.fusionc.ir.decompose;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Moe;
import org.jspecify.annotations.Nullable;

/** Products with weight matrices. */
final class Products {
  private Products() {}

  /** y = x · weightᵀ + bias. */
  static Value linear(Formulas f, Linear op) {
    var wide = Formulas.wide(op.x());
    var x = f.cast(op.x(), wide);
    boolean isVector = x.tensorType().rank() == 1;
    var rows = isVector ? f.reshape(x, Dim.of(1), x.tensorType().dim(0)) : x;
    var product = f.ops().matmul(rows, f.transpose(f.cast(op.weight(), wide), 1, 0));
    var y = isVector ? f.reshape(product, product.tensorType().dim(1)) : (Value) product;
    return f.like(op.x(), f.addIfGiven(y, op.bias()));
  }

  /**
   * y[t] = Σₖ weights[t, k] · (down[e] · h + down_bias[e]), e = experts[t, k], over the experts'
   * matrices gathered to [T, K, …].
   */
  static Value moe(Formulas f, Moe op) {
    var wide = Formulas.wide(op.x());
    var tokens = op.x().tensorType().dim(0);
    var width = op.x().tensorType().dim(1);
    var one = Dim.of(1);
    // [T, 1, D, 1]: a column for each of the token's experts
    var x = f.reshape(f.cast(op.x(), wide), List.of(tokens, one, width, one));
    var g = expert(f, op, wide, op.gate(), op.gateBias(), x);
    var u = expert(f, op, wide, op.up(), op.upBias(), x);
    var y = expert(f, op, wide, op.down(), op.downBias(), unit(f, op, g, u));
    var dims = y.tensorType().dims();
    var outputs = f.reshape(y, dims.subList(0, 3));
    var weights = new ArrayList<>(op.weights().tensorType().dims());
    weights.add(one);
    var weighted = f.mul(outputs, f.reshape(f.cast(op.weights(), wide), weights));
    return f.like(op.x(), f.ops().reduceSum(weighted, List.of(1L), false));
  }

  /** matrix[e] · x + bias[e] as [T, K, N, 1]. */
  private static Value expert(
      Formulas f, Moe op, DType wide, Value matrix, @Nullable Value bias, Value x) {
    var chosen = f.cast(f.ops().gather(matrix, op.experts(), 0), wide);
    var y = f.ops().matmul(chosen, x);
    if (bias == null) {
      return y;
    }
    var b = f.cast(f.ops().gather(bias, op.experts(), 0), wide);
    var dims = new ArrayList<>(b.tensorType().dims());
    dims.add(Dim.of(1));
    return f.add(y, f.reshape(b, dims));
  }

  private static Value unit(Formulas f, Moe op, Value g, Value u) {
    var b = f.ops();
    return switch (op.activation()) {
      case "silu" -> f.mul(b.silu(g), u);
      case "gelu" -> f.mul(b.gelu(g, "none"), u);
      case "gelu_tanh" -> f.mul(b.gelu(g, "tanh"), u);
      case "relu" -> f.mul(b.relu(g), u);
      case "clamped_swiglu" -> {
        // h = (clamp(u, ±limit) + 1) · g' · sigmoid(alpha · g'), g' = min(g, limit)
        var limited = b.clip(g, Double.NEGATIVE_INFINITY, op.limit());
        var clamped = b.clip(u, -op.limit(), op.limit());
        yield f.mul(f.mul(f.add(clamped, 1), limited), b.sigmoid(f.mul(limited, op.alpha())));
      }
      default -> throw new IllegalStateException(op.activation());
    };
  }
}
