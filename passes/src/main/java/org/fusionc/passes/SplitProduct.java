package org.fusionc.passes;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.PackedGeglu;
import org.fusionc.ir.op.PackedSwiglu;
import org.fusionc.ir.op.Slice;
import org.fusionc.ir.rewrite.GraphOps;

/**
 * linear(x, concat(w₁, …, wₙ)) → concat(linear(x, w₁), …, linear(x, wₙ)), where the parts are to
 * have different dtypes. Slices that lie within one part are taken from it alone, and a gated unit
 * of two halves takes the halves.
 */
final class SplitProduct {
  private final GraphOps ops;
  private final Linear product;
  private final List<WeightChoice.Part> parts;
  private final List<Value> products = new ArrayList<>();

  SplitProduct(
      GraphOps ops,
      Linear product,
      List<WeightChoice.Part> parts,
      java.util.function.Function<WeightChoice.Part, Value> converted) {
    this.ops = ops;
    this.product = product;
    this.parts = parts;
    for (var part : parts) {
      var bias = product.bias();
      products.add(
          ops.linear(
              product.x(),
              converted.apply(part),
              bias == null ? null : ops.slice(bias, 0, part.start(), part.end(), 1)));
    }
  }

  /** What to replace in the function. */
  Map<Value, Value> in(Function function) {
    var replacements = new LinkedHashMap<Value, Value>();
    int last = product.tensorType().rank() - 1;
    for (var op : function.body()) {
      if (op.inputs().contains(product)) {
        var replacement = use(op, last);
        if (replacement != null) {
          replacements.put(op, replacement);
        }
      }
    }
    replacements.put(product, ops.concat(products, last));
    return replacements;
  }

  private @org.jspecify.annotations.Nullable Value use(Op op, int last) {
    return switch (op) {
      case Slice slice when slice.axis() == last || slice.axis() == -1 -> {
        for (int i = 0; i < parts.size(); i++) {
          var part = parts.get(i);
          if (part.start() <= slice.start() && slice.end() <= part.end()) {
            long from = slice.start() - part.start();
            long to = slice.end() - part.start();
            yield from == 0 && to == part.end() - part.start() && slice.step() == 1
                ? products.get(i)
                : ops.slice(products.get(i), last, from, to, slice.step());
          }
        }
        yield null;
      }
      case PackedSwiglu _ when isHalved() -> ops.swiglu(products.getFirst(), products.getLast());
      case PackedGeglu geglu when isHalved() ->
          ops.geglu(products.getFirst(), products.getLast(), geglu.approximate());
      default -> null;
    };
  }

  private boolean isHalved() {
    return parts.size() == 2 && 2 * parts.getFirst().end() == parts.getLast().end();
  }
}
