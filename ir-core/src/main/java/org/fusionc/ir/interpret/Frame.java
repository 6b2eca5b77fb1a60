package org.fusionc.ir.interpret;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.backend.Batch;
import org.jspecify.annotations.Nullable;

/** One activation of a function: what its values and dimensions are so far. */
final class Frame {
  private final Map<Value, Datum> values = new HashMap<>();
  private final Map<String, Long> dims;
  private final Weights weights;

  Frame(Weights weights, Map<String, Long> dims) {
    this.weights = weights;
    this.dims = new HashMap<>(dims);
  }

  Datum get(Value value) {
    if (value instanceof Weight weight) {
      return weights.get(weight);
    }
    if (value instanceof Result(var op, int index, var type)) {
      return ((Datum.Several) get(op)).parts().get(index);
    }
    var datum = values.get(value);
    if (datum == null) {
      throw new Problem("the operand " + value + " is used before it is computed", "");
    }
    return datum;
  }

  void put(Value value, Datum datum) {
    bind(value.type(), datum);
    values.put(value, datum);
  }

  void forget(Value value) {
    values.remove(value);
  }

  /** A tensor's elements; what is quantised as the f32 numbers that it stands for. */
  Array array(Value value) {
    return get(value) instanceof Packed packed ? packed.numbers() : (Array) get(value);
  }

  /** A quantised tensor. */
  Packed packed(Value value) {
    return (Packed) get(value);
  }

  /** Operand {@code i} of an op, which is there. */
  Array array(Op op, int i) {
    return array(Objects.requireNonNull(op.operands().get(i)));
  }

  /** The value of an optional operand. */
  @Nullable Array optional(@Nullable Value value) {
    return value == null ? null : array(value);
  }

  Batch batch(Value value) {
    return ((Datum.Ragged) get(value)).batch();
  }

  KvCache kv(Value value) {
    return (KvCache) get(value);
  }

  /** The run of an op's body on these inputs; it sees this frame's dimensions and weights. */
  List<Datum> run(Function body, List<Value> inputs) {
    return new Program(body, weights).run(inputs.stream().map(this::get).toList(), dims);
  }

  /** The dimensions of a tensor type, whose symbols are all known. */
  int[] shape(Type type) {
    return ((Type.Tensor) type).dims().stream().mapToInt(this::dim).toArray();
  }

  int dim(Dim dim) {
    try {
      return Math.toIntExact(dim.evaluate(dims));
    } catch (IllegalArgumentException unknown) {
      throw new Problem(
          "the dimension " + dim + " does not follow from the inputs",
          "let one of its symbols be a dimension of a parameter");
    }
  }

  static DType.Scalar scalar(DType dtype) {
    if (dtype instanceof DType.Scalar scalar) {
      return scalar;
    }
    throw new Problem("the interpreter does not compute in " + dtype, "");
  }

  /** Learns symbols from a value of this type, and checks that the value is of the type. */
  private void bind(Type type, Datum datum) {
    switch (type) {
      case Type.Tensor tensor when datum instanceof Array array -> {
        if (tensor.rank() != array.rank() || tensor.dtype() != array.dtype()) {
          throw new Problem("the value is " + array + " but its type is " + tensor, "");
        }
        for (int i = 0; i < tensor.rank(); i++) {
          bind(tensor.dim(i), array.dim(i), array + " as " + tensor);
        }
      }
      case Type.Tensor tensor when datum instanceof Packed packed -> {
        var value = packed.tensor().type();
        if (tensor.rank() != value.rank() || !tensor.dtype().equals(value.dtype())) {
          throw new Problem("the value is " + value + " but its type is " + tensor, "");
        }
        for (int i = 0; i < tensor.rank(); i++) {
          bind(tensor.dim(i), (int) value.dim(i).value(), value + " as " + tensor);
        }
      }
      case Type.Batch(var tokens, var outputs) when datum instanceof Datum.Ragged(var batch) -> {
        bind(tokens, batch.tokens(), "the batch's tokens");
        bind(outputs, batch.outputs().length, "the batch's outputs");
      }
      case Type.Kv kv when datum instanceof KvCache cache -> {
        if (!cache.type().equals(kv)) {
          throw new Problem("the state is " + cache.type() + " but its type is " + kv, "");
        }
      }
      case Type.Tuple(var parts) when datum instanceof Datum.Several(var data) -> {
        for (int i = 0; i < parts.size(); i++) {
          bind(parts.get(i), data.get(i));
        }
      }
      default ->
          throw new Problem(
              "the value is a " + datum.getClass().getSimpleName() + " but its type is " + type,
              "");
    }
  }

  private void bind(Dim dim, int size, String what) {
    if (!dims.keySet().containsAll(dim.symbols())) {
      var symbol = dim.symbols().iterator().next();
      if (!dim.equals(Dim.symbol(symbol))) {
        return;
      }
      dims.put(symbol, (long) size);
    }
    if (dim(dim) != size) {
      throw new Problem(
          "%s: the dimension %s is %d, not %d".formatted(what, dim, dim(dim), size), "");
    }
  }
}
