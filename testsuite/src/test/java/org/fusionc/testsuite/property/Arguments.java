package org.fusionc.testsuite.property;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.LongStream;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Literal;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/** Attributes and stated types that suit randomly chosen operands. */
final class Arguments {
  /** What an op is built from. */
  record Call(
      List<? extends @Nullable Value> operands, List<Object> attributes, @Nullable Type stated) {}

  private final Choices choices;
  private final FunctionBuilder builder;

  Arguments(Choices choices, FunctionBuilder builder) {
    this.choices = choices;
    this.builder = builder;
  }

  /** Empty if these operands can have no such op. */
  Optional<Call> of(OpSchema schema, List<@Nullable Value> operands) {
    var attributes = new ArrayList<Object>();
    for (var attribute : schema.attributes()) {
      var given = attribute(schema, attribute, operands);
      if (given == null) {
        return Optional.empty();
      }
      attributes.add(given);
    }
    var safe = new ArrayList<@Nullable Value>(operands);
    switch (schema.name()) {
      case "gather" -> {
        var x = tensor(operands, 0);
        if (x.rank() == 0) {
          return Optional.empty();
        }
        return limit(safe, x.dim((int) (long) (Long) attributes.get(0)))
            .map(o -> new Call(o, attributes, null));
      }
      case "gather_elements", "scatter_elements" -> {
        return limit(safe, tensor(operands, 0).dim(-1)).map(o -> new Call(o, attributes, null));
      }
      case "moe" -> {
        return limit(safe, tensor(operands, 3).dim(0)).map(o -> new Call(o, attributes, null));
      }
      case "dequantize" -> {
        // Of what is packed on the spot; quantised values have few uses, and are not kept.
        var x = tensor(operands, 0);
        return x.rank() == 0 || !x.dtype().isFloat() || !((DType) attributes.get(0)).isFloat()
            ? Optional.empty()
            : Optional.of(
                new Call(
                    List.of(builder.quantize(Objects.requireNonNull(operands.get(0)), quantized())),
                    attributes,
                    null));
      }
      case "concat" -> {
        // Of one type, so that they join.
        var first = Objects.requireNonNull(operands.get(0));
        return Optional.of(new Call(Collections.nCopies(operands.size(), first), attributes, null));
      }
      default -> {
        var stated = schema.isStated() ? stated(schema, operands, attributes) : null;
        return schema.isStated() && stated == null
            ? Optional.empty()
            : Optional.of(new Call(safe, attributes, stated));
      }
    }
  }

  /** The indices, which are operand 1, limited to the dimension that they point into. */
  private Optional<List<? extends @Nullable Value>> limit(
      List<@Nullable Value> operands, Dim into) {
    var indices = Objects.requireNonNull(operands.get(1));
    if (!indices.tensorType().dtype().isInt() || into.is(0)) {
      return Optional.empty();
    }
    // A symbolic dimension of the generator's is at least 1 where it is not N.
    double last = into.isStatic() ? into.value() - 1 : 0;
    if (into.equals(Choices.ROWS)) {
      return Optional.empty();
    }
    operands.set(1, builder.clip(indices, 0.0, last));
    return Optional.of(operands);
  }

  private @Nullable Object attribute(
      OpSchema schema, OpSchema.Attribute attribute, List<@Nullable Value> operands) {
    switch (schema.name() + "." + attribute.name()) {
      case "constant.value" -> {
        return Literal.of(choices.number());
      }
      case "transpose.permutation" -> {
        return choices.chance(0.3) ? List.of() : permutation(tensor(operands, 0).rank());
      }
      case "slice.start", "slice.end", "slice.axis", "slice.step" -> {
        return slice(attribute.name(), tensor(operands, 0));
      }
      case "top_k.k" -> {
        var dim = tensor(operands, 0).dim(-1);
        return dim.isStatic() ? choices.between(0, dim.value()) : 1L;
      }
      case "reduce_sum.axes", "reduce_mean.axes", "reduce_max.axes" -> {
        var all = permutation(tensor(operands, 0).rank());
        return all.subList(0, (int) choices.between(0, all.size()));
      }
      case "gather.axis", "concat.axis", "softmax.axis" -> {
        int rank = tensor(operands, 0).rank();
        return rank == 0 ? 0L : choices.between(-rank, rank - 1);
      }
      case "rope_frequencies.factors" -> {
        return List.of();
      }
      case "rope_frequencies.scaling" -> {
        return choices.oneOf("none", "linear");
      }
      case "quantize.to" -> {
        return quantized();
      }
      case "softcap.cap" -> {
        return choices.oneOf(0.5, 1.0, 30.0);
      }
      default -> {
        return attribute.defaultValue() != null && choices.chance(0.4)
            ? attribute.defaultValue()
            : random(schema, attribute, operands);
      }
    }
  }

  private DType quantized() {
    return new DType.Quantized(
        choices.oneOf(4, 8), choices.oneOf(32, 64, 128), choices.chance(0.5));
  }

  private @Nullable Object random(
      OpSchema schema, OpSchema.Attribute attribute, List<@Nullable Value> operands) {
    return switch (attribute.kind()) {
      case "int" -> choices.between(0, 3);
      case "float" -> choices.oneOf(1e-5, 0.125, 1.0, 2.0);
      case "bool" -> choices.chance(0.5);
      case "string" -> attribute.choices().isEmpty() ? "text" : choices.oneOf(attribute.choices());
      case "dtype" -> choices.dtype();
      case "numbers" -> Literal.of(choices.number());
      case "body" -> body(operands.subList(schema.name().equals("if") ? 1 : 0, operands.size()));
      default -> List.of();
    };
  }

  private Object slice(String name, Type.Tensor x) {
    // A range that fits every dimension of the operand, whichever axis is chosen.
    long least = x.dims().stream().mapToLong(d -> d.isStatic() ? d.value() : 0).min().orElse(0);
    return switch (name) {
      case "axis" -> x.rank() == 0 ? 0L : choices.between(0, x.rank() - 1);
      case "start" -> choices.between(0, least / 2);
      case "end" -> choices.between(least / 2, least);
      default -> choices.between(1, 2);
    };
  }

  private List<Long> permutation(int rank) {
    var axes = new ArrayList<>(LongStream.range(0, rank).boxed().toList());
    Collections.shuffle(axes, choices.random());
    return axes;
  }

  /** A body that does an elementwise op or two to its first parameter. */
  private @Nullable Function body(List<? extends @Nullable Value> inputs) {
    var b = new FunctionBuilder(builder.graph(), "");
    for (int i = 0; i < inputs.size(); i++) {
      b.param("a" + i, Objects.requireNonNull(inputs.get(i)).type());
    }
    if (inputs.isEmpty()
        || !(Objects.requireNonNull(inputs.getFirst()).type() instanceof Type.Tensor first)
        || first.dtype() == Scalar.BOOL) {
      return null;
    }
    Value last = builder.graph().param(0, first);
    for (long i = choices.between(1, 2); i > 0; i--) {
      last =
          switch (choices.oneOf("neg", "abs", "relu")) {
            case "neg" -> b.neg(last);
            case "abs" -> b.abs(last);
            default -> b.relu(last);
          };
    }
    return b.build(last);
  }

  private @Nullable Type stated(
      OpSchema schema, List<@Nullable Value> operands, List<Object> attributes) {
    return switch (schema.name()) {
      case "constant" -> choices.staticTensor(choices.tensor());
      case "iota" -> {
        var type = choices.staticTensor(new Type.Tensor(choices.dtype(), choices.dims(2)));
        yield type.rank() == 0 ? null : type;
      }
      case "reshape" -> {
        var x = tensor(operands, 0);
        yield choices.chance(0.5) ? x.withDims(List.of(x.size())) : x.withDims(split(x.dims()));
      }
      case "broadcast_to" -> {
        var x = tensor(operands, 0);
        var dims = new ArrayList<Dim>(choices.chance(0.5) ? List.of(Dim.of(2)) : List.of());
        x.dims().forEach(d -> dims.add(d.is(1) ? Dim.of(3) : d));
        yield x.withDims(dims);
      }
      case "rope_frequencies" -> Type.tensor(Scalar.F32, choices.between(1, 2));
      case "kv_keys" -> entries(kv(operands).heads(), kv(operands).keyDim());
      case "kv_values" -> entries(kv(operands).heads(), kv(operands).valueDim());
      case "kv_positions", "kv_sequences" -> Type.tensor(Scalar.I32, Dim.symbol("C"));
      default -> null;
    };
  }

  /** The dimensions with ones put in, and with the first two merged. */
  private List<Dim> split(List<Dim> dims) {
    var all = new ArrayList<>(dims);
    if (all.size() > 1 && choices.chance(0.5)) {
      all.set(0, all.get(0).times(all.remove(1)));
    }
    all.add((int) choices.between(0, all.size()), Dim.of(1));
    return all;
  }

  private static Type entries(long heads, long width) {
    return Type.tensor(Scalar.F32, Dim.symbol("C"), Dim.of(heads), Dim.of(width));
  }

  private static Type.Kv kv(List<@Nullable Value> operands) {
    return (Type.Kv) Objects.requireNonNull(operands.get(0)).type();
  }

  private static Type.Tensor tensor(List<@Nullable Value> operands, int index) {
    return Objects.requireNonNull(operands.get(index)).tensorType();
  }

  /** A constant of that type: one number for all elements, or a number for each. */
  Value constant(Type.Tensor type) {
    long size = type.size().value();
    if (size == 0 || choices.chance(0.5)) {
      return builder.constant(number(type), type);
    }
    return builder.constant(
        new Literal(LongStream.range(0, size).mapToObj(i -> element(type)).toList()), type);
  }

  private Literal number(Type.Tensor type) {
    return new Literal(List.of(element(type)));
  }

  private Number element(Type.Tensor type) {
    if (type.dtype().isFloat()) {
      return choices.number();
    }
    return type.dtype() == Scalar.BOOL ? choices.between(0, 1) : choices.between(0, 4);
  }
}
