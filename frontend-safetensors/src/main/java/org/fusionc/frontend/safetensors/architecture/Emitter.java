package org.fusionc.frontend.safetensors.architecture;

import java.util.List;
import java.util.Map;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/** What every part of a decoder is written with: affine maps, norms, shapes and names. */
final class Emitter {
  static final Dim TOKENS = Dim.symbol("T");
  static final Dim OUTPUTS = Dim.symbol("S");

  final Features features;
  final FunctionBuilder ops;
  final Weights weights;

  /** The ragged batch that the function runs on. */
  final Value at;

  Emitter(Features features, FunctionBuilder ops, Weights weights, Value at) {
    this.features = features;
    this.ops = ops;
    this.weights = weights;
    this.at = at;
  }

  /** Names the value {@code %layers.2.attn.q}, or {@code %attn.q} where there is no layer. */
  <V extends Value> V named(V value, String name, int layer) {
    return ops.name(value, Weights.symbol(name, layer));
  }

  static Type.Tensor f32(Dim... dims) {
    return Type.tensor(DType.Scalar.F32, dims);
  }

  /** A type with one row per token. */
  static Type.Tensor perToken(long... dims) {
    var all = new Dim[dims.length + 1];
    all[0] = TOKENS;
    for (int i = 0; i < dims.length; i++) {
      all[i + 1] = Dim.of(dims[i]);
    }
    return f32(all);
  }

  /** The value's type with other dimensions. */
  static Type withDims(Value value, long... dims) {
    return value.type() instanceof Type.Tensor tensor
        ? Type.tensor(tensor.dtype(), dims)
        : value.type();
  }

  Value scalar(double value) {
    return ops.constant(Literal.of(value), f32());
  }

  Value asF32(Value value) {
    return value.type() instanceof Type.Tensor tensor && tensor.dtype() == DType.Scalar.F32
        ? value
        : ops.cast(value, DType.Scalar.F32);
  }

  Value scaled(Value x, double factor) {
    return factor == 1 ? x : ops.mul(x, scalar(factor));
  }

  /** {@code [T, …]} in another shape per token. */
  Value reshaped(Value x, long... dims) {
    return ops.reshape(x, perToken(dims));
  }

  /**
   * An affine map; {@code weight} names its tensor, {@code [out, in]} or as the family stores it.
   */
  Value linear(Value x, String weight, int layer, long in, long out, boolean hasBias) {
    Value matrix =
        features.flag("linear.transposed")
            ? ops.transpose(
                weights.get(weight, layer, RandomTensor.Fill.NORMAL, in, out), List.of())
            : weights.get(weight, layer, RandomTensor.Fill.NORMAL, out, in);
    var bias = hasBias ? weights.bias(weight, layer, out) : null;
    return ops.linear(x, matrix, bias);
  }

  /** The family's norm of the last dimension, of size {@code size}; x itself where it has none. */
  Value norm(Value x, String weight, int layer, long size) {
    if (!weights.has(weight, layer)) {
      return x;
    }
    var kind = normKind("norm.kind");
    return named(
        norm(
            kind,
            x,
            weight,
            layer,
            size,
            features.number("norm.eps"),
            kind == NormKind.LAYER && features.flag("norm.bias")),
        weight,
        layer);
  }

  /** The norms that there are. */
  enum NormKind {
    RMS,
    LAYER
  }

  NormKind normKind(String feature) {
    return features.choice(
        feature, Evaluator.NO_LAYER, Map.of("rms", NormKind.RMS, "layer", NormKind.LAYER));
  }

  Value norm(
      NormKind kind, Value x, String weight, int layer, long size, double eps, boolean hasBias) {
    if (!features.flag("norm.affine")) {
      return norm(kind, x, ones(size), null, eps);
    }
    var scale = normWeight(weights.get(weight, layer, normFill(), size));
    return norm(kind, x, scale, hasBias ? weights.bias(weight, layer, size) : null, eps);
  }

  Value norm(NormKind kind, Value x, Value weight, @Nullable Value bias, double eps) {
    return kind == NormKind.RMS ? ops.rmsNorm(x, weight, eps) : ops.layerNorm(x, weight, bias, eps);
  }

  Value ones(long size) {
    return ops.constant(Literal.of(1.0), f32(Dim.of(size)));
  }

  /** A norm's weight as it multiplies: some families store it less 1. */
  Value normWeight(Value stored) {
    double offset = features.number("norm.offset");
    return offset == 0 ? stored : ops.add(asF32(stored), scalar(offset));
  }

  RandomTensor.Fill normFill() {
    return features.number("norm.offset") == 0 ? RandomTensor.Fill.ONES : RandomTensor.Fill.ZEROS;
  }

  /** Elements {@code from} to {@code to} of an axis. */
  Value slice(Value x, int axis, long from, long to) {
    return ops.slice(x, axis, from, to, 1);
  }
}
