package org.fusionc.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A type with variables, as op signatures in the table use it: {@code F[*S, K]}. A name in upper
 * case is a variable, {@code *S} stands for any number of dimensions, a name in lower case is a
 * dtype.
 */
public sealed interface TypePattern {

  /** What the variables of one op's signature stand for. */
  final class Bindings {
    private final Map<String, DType> dtypes = new HashMap<>();
    private final Map<String, Dim> dims = new HashMap<>();
    private final Map<String, List<Dim>> lists = new HashMap<>();
    private final Map<String, List<String>> allowed;

    Bindings(Map<String, List<String>> allowed) {
      this.allowed = allowed;
    }

    private @Nullable String bindDim(String name, Dim dim) {
      if (Character.isDigit(name.charAt(0))) {
        return dim.is(Long.parseLong(name)) ? null : "the dimension " + dim + " must be " + name;
      }
      var known = dims.putIfAbsent(name, dim);
      return known == null || known.equals(dim)
          ? null
          : name + " is " + known + " in an earlier operand and " + dim + " here";
    }

    private @Nullable String bindDtype(String name, DType dtype) {
      if (Character.isLowerCase(name.charAt(0))) {
        return dtype.toString().equals(name) ? null : "its dtype must be " + name;
      }
      var sets = allowed.get(name);
      if (sets != null && sets.stream().noneMatch(set -> contains(set, dtype))) {
        return "the dtype " + dtype + " is none of " + String.join(", ", sets);
      }
      var known = dtypes.putIfAbsent(name, dtype);
      return known == null || known.equals(dtype)
          ? null
          : "its dtype must be " + known + ", as in an earlier operand";
    }

    private static boolean contains(String set, DType dtype) {
      return switch (set) {
        case "any" -> true;
        case "float" -> dtype.isFloat();
        case "int" -> dtype.isInt();
        case "number" -> dtype.isFloat() || dtype.isInt();
        case "quantized" -> dtype instanceof DType.Quantized;
        default -> dtype.toString().equals(set);
      };
    }
  }

  /** Unifies this pattern with a type; the answer is null, or why they do not fit. */
  @Nullable String match(Type type, Bindings bindings);

  /** The type that this pattern stands for; null if a variable is unbound. */
  @Nullable Type instantiate(Bindings bindings);

  static TypePattern any() {
    return new Any();
  }

  static TypePattern tensor(String dtype, String... dims) {
    return new TensorPattern(dtype, List.of(dims));
  }

  static TypePattern kv(String heads, String keyDim, String valueDim, String dtype) {
    return new KvPattern(heads, keyDim, valueDim, dtype);
  }

  static TypePattern batch(String tokens, String outputs) {
    return new BatchPattern(tokens, outputs);
  }

  /** Any type at all. */
  record Any() implements TypePattern {
    @Override
    public @Nullable String match(Type type, Bindings bindings) {
      return null;
    }

    @Override
    public @Nullable Type instantiate(Bindings bindings) {
      return null;
    }

    @Override
    public String toString() {
      return "any";
    }
  }

  /** A tensor; at most one of the dims is a list variable {@code *S}. */
  record TensorPattern(String dtype, List<String> dims) implements TypePattern {
    @Override
    public @Nullable String match(Type type, Bindings bindings) {
      if (!(type instanceof Type.Tensor tensor)) {
        return "it is no tensor";
      }
      var mismatch = bindings.bindDtype(dtype, tensor.dtype());
      if (mismatch != null) {
        return mismatch;
      }
      int star = -1;
      for (int i = 0; i < dims.size(); i++) {
        star = dims.get(i).startsWith("*") ? i : star;
      }
      int fixed = star < 0 ? dims.size() : dims.size() - 1;
      if (star < 0 ? tensor.rank() != fixed : tensor.rank() < fixed) {
        return "its rank is " + tensor.rank();
      }
      int extra = tensor.rank() - fixed;
      int at = 0;
      for (int i = 0; i < dims.size(); i++) {
        if (i == star) {
          var list = tensor.dims().subList(at, at + extra);
          var known = bindings.lists.putIfAbsent(dims.get(i), list);
          if (known != null && !known.equals(list)) {
            return dims.get(i) + " is " + known + " in an earlier operand and " + list + " here";
          }
          at += extra;
        } else {
          mismatch = bindings.bindDim(dims.get(i), tensor.dims().get(at++));
          if (mismatch != null) {
            return mismatch;
          }
        }
      }
      return null;
    }

    @Override
    public @Nullable Type instantiate(Bindings bindings) {
      var element =
          Character.isLowerCase(dtype.charAt(0))
              ? DType.Scalar.BY_NAME.get(dtype)
              : bindings.dtypes.get(dtype);
      if (element == null) {
        return null;
      }
      var shape = new ArrayList<Dim>();
      for (var name : dims) {
        if (name.startsWith("*")) {
          var list = bindings.lists.get(name);
          if (list == null) {
            return null;
          }
          shape.addAll(list);
        } else if (Character.isDigit(name.charAt(0))) {
          shape.add(Dim.of(Long.parseLong(name)));
        } else {
          var dim = bindings.dims.get(name);
          if (dim == null) {
            return null;
          }
          shape.add(dim);
        }
      }
      return new Type.Tensor(element, shape);
    }

    @Override
    public String toString() {
      return dtype + dims.stream().collect(Collectors.joining(", ", "[", "]"));
    }
  }

  /** The KV cache of one layer. */
  record KvPattern(String heads, String keyDim, String valueDim, String dtype)
      implements TypePattern {
    @Override
    public @Nullable String match(Type type, Bindings bindings) {
      if (!(type instanceof Type.Kv kv)) {
        return "it is no kv state";
      }
      var mismatch = bindings.bindDim(heads, Dim.of(kv.heads()));
      mismatch = mismatch != null ? mismatch : bindings.bindDim(keyDim, Dim.of(kv.keyDim()));
      mismatch = mismatch != null ? mismatch : bindings.bindDim(valueDim, Dim.of(kv.valueDim()));
      return mismatch != null ? mismatch : bindings.bindDtype(dtype, kv.dtype());
    }

    @Override
    public @Nullable Type instantiate(Bindings bindings) {
      var h = bindings.dims.get(heads);
      var k = bindings.dims.get(keyDim);
      var v = bindings.dims.get(valueDim);
      var d = bindings.dtypes.get(dtype);
      return h == null || k == null || v == null || d == null
          ? null
          : new Type.Kv(h.value(), k.value(), v.value(), d);
    }

    @Override
    public String toString() {
      return "kv<%s, %s, %s, %s>".formatted(heads, keyDim, valueDim, dtype);
    }
  }

  /** A ragged batch. */
  record BatchPattern(String tokens, String outputs) implements TypePattern {
    @Override
    public @Nullable String match(Type type, Bindings bindings) {
      if (!(type instanceof Type.Batch batch)) {
        return "it is no batch";
      }
      var mismatch = bindings.bindDim(tokens, batch.tokens());
      return mismatch != null ? mismatch : bindings.bindDim(outputs, batch.outputs());
    }

    @Override
    public @Nullable Type instantiate(Bindings bindings) {
      var t = bindings.dims.get(tokens);
      var s = bindings.dims.get(outputs);
      return t == null || s == null ? null : new Type.Batch(t, s);
    }

    @Override
    public String toString() {
      return "batch<%s, %s>".formatted(tokens, outputs);
    }
  }
}
