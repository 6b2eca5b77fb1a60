package org.fusionc.partitioner.cost;

import java.util.Map;
import java.util.Optional;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Attention;
import org.fusionc.ir.op.Fused;
import org.fusionc.ir.op.GatedLinear;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.op.KvAppend;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Matmul;
import org.fusionc.ir.op.Moe;
import org.fusionc.ir.op.Reshape;
import org.fusionc.ir.op.RmsNorm;
import org.fusionc.ir.op.RopeAttention;
import org.fusionc.ir.op.RopeKvAppend;
import org.fusionc.ir.op.Slice;
import org.fusionc.ir.op.Softmax;

/**
 * What one op computes and moves in a {@link Step}. Sizes follow from the types; a dimension that
 * is neither the tokens nor the outputs of the batch is one of all sequences' context.
 */
final class OpWork {
  private final Step step;
  private final Optional<Type.Batch> batch;

  /**
   * @param batch the type of the function's batch parameter, whose symbols the step gives values
   */
  OpWork(Step step, Optional<Type.Batch> batch) {
    this.step = step;
    this.batch = batch;
  }

  /** Floating-point operations. */
  double flops(Op op) {
    return switch (op) {
      case Linear(var x, var weight, _, _) -> 2 * elements(x) * dim(weight.tensorType().dim(0));
      case GatedLinear(var x, var weight, _, _, _) ->
          2 * elements(x) * dim(weight.tensorType().dim(0));
      case Matmul(var x, _, var type) -> 2 * elements(type) * dim(x.tensorType().dim(-1));
      case Attention attention -> attending(attention.q(), attention.kv(), attention.window());
      case RopeAttention attention ->
          attending(attention.q(), attention.kv(), attention.window())
              + 6 * elements(attention.q());
      case Moe moe -> {
        double chosen = elements(moe.experts());
        double hidden = dim(moe.gate().tensorType().dim(1));
        yield chosen * 6 * hidden * dim(moe.x().tensorType().dim(-1));
      }
      case Fused fused -> fused.body().body().stream().mapToDouble(this::flops).sum();
      case RmsNorm _, LayerNorm _, Softmax _ -> 5 * elements(op.type());
      case Trait.Layout _, KvAppend _ -> 0;
      case RopeKvAppend(_, var k, _, _, _, _, _, _) -> 6 * elements(k);
      default -> elements(op.type());
    };
  }

  /** QK and PV over what each token sees. */
  private double attending(Value q, Value kv, long window) {
    var type = q.tensorType();
    var state = (Type.Kv) kv.type();
    return 2
        * dim(type.dim(0))
        * dim(type.dim(1))
        * seen(window)
        * (state.keyDim() + state.valueDim());
  }

  private double seen(long window) {
    return window > 0 ? Math.min(window, step.context()) : step.context();
  }

  /** Bytes read and written. */
  double bytes(Op op) {
    return switch (op) {
      case Attention attention ->
          size(attention.q().type())
              + reading(attention.kv(), attention.window())
              + size(op.type());
      case RopeAttention attention ->
          size(attention.q().type())
              + reading(attention.kv(), attention.window())
              + size(op.type());
      case KvAppend(_, var k, var v, _, _) -> 2 * (size(k.type()) + size(v.type()));
      case RopeKvAppend(_, var k, var v, _, _, _, _, _) -> 2 * (size(k.type()) + size(v.type()));
      case Gather(_, var indices, _, var type) -> size(indices.type()) + 2 * size(type);
      case Slice _ -> 2 * size(op.type());
      case Reshape _ -> 0;
      case Moe moe -> moving(moe);
      default -> {
        double sum = size(op.type());
        for (var input : op.inputs()) {
          sum += size(input.type());
        }
        yield sum;
      }
    };
  }

  /** Each sequence's own part of the cache is read once. */
  private double reading(Value kv, long window) {
    return tokenBytes((Type.Kv) kv.type()) * seen(window) * step.outputs();
  }

  /** Only the weights of experts that some token chose are read. */
  private double moving(Moe moe) {
    double sum = 2 * size(moe.type()) + size(moe.experts().type()) + size(moe.weights().type());
    double experts = dim(moe.gate().tensorType().dim(0));
    double each = dim(moe.experts().tensorType().dim(-1));
    double tokens = dim(moe.experts().tensorType().dim(0));
    double touched = 1 - Math.pow(1 - Math.min(1, each / experts), tokens);
    for (var input : moe.inputs()) {
      if (!input.equals(moe.x()) && !input.equals(moe.experts()) && !input.equals(moe.weights())) {
        sum += touched * size(input.type());
      }
    }
    return sum;
  }

  /** Bytes that a cache grows by for each token of a sequence. */
  static double tokenBytes(Type.Kv kv) {
    return kv.heads() * (kv.keyDim() + kv.valueDim()) * kv.dtype().bits() / 8;
  }

  /** Bytes of a value of this type; nothing for states and batches, which do not move. */
  double size(Type type) {
    return switch (type) {
      case Type.Tensor tensor -> elements(tensor) * tensor.dtype().bits() / 8;
      case Type.Tuple(var parts) -> parts.stream().mapToDouble(this::size).sum();
      case Type.Kv _, Type.Batch _ -> 0;
    };
  }

  private double elements(Value value) {
    return elements(value.type());
  }

  private double elements(Type type) {
    return switch (type) {
      case Type.Tensor tensor -> {
        double product = 1;
        for (var each : tensor.dims()) {
          product *= dim(each);
        }
        yield product;
      }
      case Type.Tuple(var parts) -> parts.stream().mapToDouble(this::elements).sum();
      case Type.Kv _, Type.Batch _ -> 0;
    };
  }

  private double dim(Dim dim) {
    if (dim.isStatic()) {
      return dim.value();
    }
    var values = new java.util.HashMap<String, Long>();
    for (var symbol : dim.symbols()) {
      values.put(symbol, (long) step.context() * step.outputs());
    }
    batch.ifPresent(type -> {
      type.tokens().symbols().forEach(symbol -> values.put(symbol, (long) step.tokens()));
      type.outputs().symbols().forEach(symbol -> values.put(symbol, (long) step.outputs()));
    });
    return dim.evaluate(Map.copyOf(values));
  }

  /** What an op computes with, in the terms of a device's speeds: its largest operand's dtype. */
  static String dtype(Op op) {
    var weight =
        switch (op) {
          case Linear linear -> linear.weight();
          case GatedLinear linear -> linear.weight();
          case Moe moe -> moe.gate();
          default -> op;
        };
    if (weight instanceof Param || !(weight.type() instanceof Type.Tensor tensor)) {
      return "f32";
    }
    return switch (tensor.dtype()) {
      case DType.Quantized _ -> "int8";
      case DType.Scalar scalar ->
          switch (scalar) {
            case F16, BF16 -> scalar.toString();
            case I8, U8, I4, U4 -> "int8";
            default -> "f32";
          };
    };
  }
}
