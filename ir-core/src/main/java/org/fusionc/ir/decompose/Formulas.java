package org.fusionc.ir.decompose;

import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Ops;
import org.jspecify.annotations.Nullable;

/** Tensor ops as formulas want them: no cast to the same dtype, numbers beside values. */
final class Formulas {
  private final Ops b;

  Formulas(Ops b) {
    this.b = b;
  }

  Ops ops() {
    return b;
  }

  /** The dtype to compute in for results of the value's dtype: f64 for f64, else f32. */
  static Scalar wide(Value x) {
    return x.tensorType().dtype() == Scalar.F64 ? Scalar.F64 : Scalar.F32;
  }

  /** In another dtype, exactly or rounded; what is quantised is unpacked. */
  Value cast(Value x, DType to) {
    var from = x.tensorType().dtype();
    if (from instanceof DType.Quantized) {
      return b.dequantize(x, to);
    }
    return from.equals(to) ? x : b.cast(x, to);
  }

  /** The value in the dtype of another. */
  Value like(Value other, Value x) {
    return cast(x, other.tensorType().dtype());
  }

  /** A number in the dtype of {@code beside}. */
  Value number(double value, Value beside) {
    var dtype = beside.tensorType().dtype();
    var literal = dtype.isFloat() ? Literal.of(value) : Literal.of((long) value);
    return b.constant(literal, Type.tensor(dtype, List.of()));
  }

  Value add(Value x, Value y) {
    return b.add(x, y);
  }

  Value add(Value x, double y) {
    return y == 0 ? x : b.add(x, number(y, x));
  }

  /** x + y, or x if there is no y; y in any dtype. */
  Value addIfGiven(Value x, @Nullable Value y) {
    return y == null ? x : b.add(x, like(x, y));
  }

  Value sub(Value x, Value y) {
    return b.sub(x, y);
  }

  Value mul(Value x, Value y) {
    return b.mul(x, y);
  }

  Value mul(Value x, double y) {
    return y == 1 ? x : b.mul(x, number(y, x));
  }

  Value div(Value x, double y) {
    return b.div(x, number(y, x));
  }

  Value reshape(Value x, Dim... dims) {
    return reshape(x, List.of(dims));
  }

  Value reshape(Value x, List<Dim> dims) {
    var type = x.tensorType();
    return type.dims().equals(dims) ? x : b.reshape(x, type.withDims(dims));
  }

  Value transpose(Value x, long... permutation) {
    return b.transpose(x, java.util.Arrays.stream(permutation).boxed().toList());
  }

  Value slice(Value x, int axis, long start, long end) {
    return x.tensorType().dim(axis).is(end) && start == 0 ? x : b.slice(x, axis, start, end, 1);
  }
}
