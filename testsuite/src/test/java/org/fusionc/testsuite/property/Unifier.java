package org.fusionc.testsuite.property;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Type;
import org.fusionc.ir.TypePattern;

/**
 * What the variables of one op's signature stand for while random operands are chosen. Unlike the
 * IR's own matching it also chooses what is still open.
 */
final class Unifier {
  private final Map<String, DType> dtypes = new HashMap<>();
  private final Map<String, Dim> dims = new HashMap<>();
  private final Map<String, List<Dim>> lists = new HashMap<>();

  private Unifier copy() {
    var copy = new Unifier();
    copy.dtypes.putAll(dtypes);
    copy.dims.putAll(dims);
    copy.lists.putAll(lists);
    return copy;
  }

  private void take(Unifier other) {
    dtypes.putAll(other.dtypes);
    dims.putAll(other.dims);
    lists.putAll(other.lists);
  }

  /** Whether the type fits so far; families of dtypes are left to the op's own check. */
  boolean fits(TypePattern pattern, Type type) {
    return copy().match(pattern, type);
  }

  /** Binds the variables of a pattern that the type fits. */
  void bind(TypePattern pattern, Type type) {
    var bound = copy();
    bound.match(pattern, type);
    take(bound);
  }

  private boolean match(TypePattern pattern, Type type) {
    return switch (pattern) {
      case TypePattern.Any _ -> type instanceof Type.Tensor;
      case TypePattern.TensorPattern(var dtype, var shape) ->
          type instanceof Type.Tensor tensor
              && dtype(dtype, tensor.dtype())
              && shape(shape, tensor.dims());
      case TypePattern.KvPattern(var heads, var keyDim, var valueDim, var dtype) ->
          type instanceof Type.Kv kv
              && dim(heads, Dim.of(kv.heads()))
              && dim(keyDim, Dim.of(kv.keyDim()))
              && dim(valueDim, Dim.of(kv.valueDim()))
              && dtype(dtype, kv.dtype());
      case TypePattern.BatchPattern(var tokens, var outputs) ->
          type instanceof Type.Batch batch
              && dim(tokens, batch.tokens())
              && dim(outputs, batch.outputs());
    };
  }

  private boolean dtype(String name, DType dtype) {
    if (Character.isLowerCase(name.charAt(0))) {
      return dtype.toString().equals(name);
    }
    var known = dtypes.putIfAbsent(name, dtype);
    return known == null || known.equals(dtype);
  }

  private boolean dim(String name, Dim dim) {
    if (Character.isDigit(name.charAt(0))) {
      return dim.is(Long.parseLong(name));
    }
    var known = dims.putIfAbsent(name, dim);
    return known == null || known.equals(dim);
  }

  private boolean shape(List<String> names, List<Dim> shape) {
    int star = -1;
    for (int i = 0; i < names.size(); i++) {
      star = names.get(i).startsWith("*") ? i : star;
    }
    int extra = shape.size() - (star < 0 ? names.size() : names.size() - 1);
    if (extra < 0 || (star < 0 && extra > 0)) {
      return false;
    }
    int at = 0;
    for (int i = 0; i < names.size(); i++) {
      if (i == star) {
        var list = shape.subList(at, at + extra);
        var known = lists.putIfAbsent(names.get(i), List.copyOf(list));
        if (known != null && !known.equals(list)) {
          return false;
        }
        at += extra;
      } else if (!dim(names.get(i), shape.get(at++))) {
        return false;
      }
    }
    return true;
  }

  /** A type of the pattern; the choices decide what is open, and stay. */
  Type choose(TypePattern pattern, Choices choices) {
    return switch (pattern) {
      case TypePattern.Any _ -> choices.tensor();
      case TypePattern.TensorPattern(var dtype, var shape) -> {
        var all = new ArrayList<Dim>();
        for (var name : shape) {
          if (name.startsWith("*")) {
            all.addAll(lists.computeIfAbsent(name, n -> choices.dims(3)));
          } else {
            all.add(chosenDim(name, choices));
          }
        }
        yield new Type.Tensor(chosenDtype(dtype, choices), all);
      }
      case TypePattern.KvPattern(var heads, var keyDim, var valueDim, var dtype) ->
          new Type.Kv(
              staticDim(heads, choices),
              staticDim(keyDim, choices),
              staticDim(valueDim, choices),
              dtypes.computeIfAbsent(dtype, n -> choices.oneOf(Scalar.F32, Scalar.F16)));
      case TypePattern.BatchPattern _ -> choices.batch();
    };
  }

  private Dim chosenDim(String name, Choices choices) {
    return Character.isDigit(name.charAt(0))
        ? Dim.of(Long.parseLong(name))
        : dims.computeIfAbsent(
            name,
            n ->
                switch (n) {
                  case "T" -> Choices.TOKENS;
                  case "H" -> Dim.of(choices.oneOf(2L, 4L));
                  case "DK", "DV" -> Dim.of(4);
                  case "R" -> Dim.of(choices.between(1, 2));
                  default -> choices.dim();
                });
  }

  private long staticDim(String name, Choices choices) {
    var dim = dims.computeIfAbsent(name, n -> Dim.of(choices.between(1, 4)));
    // A cache has no empty dimensions: one that is bound to 0 does not fit, and is tried again.
    return dim.isStatic() ? Math.max(1, dim.value()) : 1;
  }

  private DType chosenDtype(String name, Choices choices) {
    return Character.isLowerCase(name.charAt(0))
        ? Scalar.BY_NAME.get(name)
        : dtypes.computeIfAbsent(name, n -> choices.dtype());
  }
}
