package org.fusionc.backend.cpu;

import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.BinaryOp;
import org.fusionc.backend.cpu.kernel.UnaryOp;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.*;
import org.jspecify.annotations.Nullable;

/**
 * Which kernel runs which op. The one place where it is decided: what the backend supports, what it
 * compiles and what {@code fusionc explain} tells all come from here.
 */
final class KernelTable {
  private KernelTable() {}

  /** The kernel for an op in a tier, or why there is none. Total: every op gets an answer. */
  static Choice choose(Op op, Tier tier) {
    var wrong = unsupportedType(op);
    if (wrong != null) {
      return wrong;
    }
    return switch (op) {
      case Linear o -> LinearKernels.choose(o, tier);
      case GatedLinear o -> LinearKernels.gated(o, tier);
      case RmsNorm o -> DecoderKernels.rmsNorm(o, tier);
      case LayerNorm o -> DecoderKernels.layerNorm(o, tier);
      case AddRmsNorm o -> DecoderKernels.addRmsNorm(o, tier);
      case AddLayerNorm o -> DecoderKernels.addLayerNorm(o, tier);
      case Rope o -> CacheKernels.rope(o, tier);
      case KvAppend o -> CacheKernels.kvAppend(o, tier);
      case RopeKvAppend o -> CacheKernels.ropeKvAppend(o, tier);
      case Attention o -> CacheKernels.attention(o, tier);
      case RopeAttention o -> CacheKernels.ropeAttention(o, tier);
      case Swiglu o -> ElementwiseKernels.swiglu(o, tier);
      case Geglu o -> ElementwiseKernels.geglu(o, tier);
      case PackedSwiglu o -> ElementwiseKernels.packedSwiglu(o, tier);
      case PackedGeglu o -> ElementwiseKernels.packedGeglu(o, tier);
      case Softcap o -> ElementwiseKernels.softcap(o);
      case Softmax o -> DecoderKernels.softmax(o, tier);
      case Matmul o -> DecoderKernels.matmul(o);
      case Moe o -> ExpertKernels.choose(o, tier);
      case SelectOutputs o -> LayoutKernels.selectOutputs(o);
      case Positions o -> LayoutKernels.positions(o);
      case Sequences o -> LayoutKernels.sequences(o);
      case OutputRows o -> LayoutKernels.outputRows(o);
      case Gather o -> LayoutKernels.gather(o);
      case Quantize o -> QuantizedKernels.quantize(o, tier);
      case Dequantize o -> QuantizedKernels.dequantize(o);
      case Slice o -> LayoutKernels.slice(o);
      case Concat o -> LayoutKernels.concat(o);
      case Transpose o -> LayoutKernels.transpose(o);
      case BroadcastTo o -> LayoutKernels.broadcastTo(o);
      case Reshape o -> Choice.kernel("alias", w -> run -> {});
      case Constant o -> Choice.kernel("constant", w -> run -> {});
      case Iota o -> Choice.kernel("constant", w -> run -> {});
      case RopeFrequencies o -> Choice.kernel("constant", w -> run -> {});
      case Cast(var x, _, _) -> unary(op, x, v -> v);
      case Add(var x, var y, _) ->
          ElementwiseKernels.binary(op, x, y, BinaryOp.ADD, (a, b) -> a + b);
      case Sub(var x, var y, _) ->
          ElementwiseKernels.binary(op, x, y, BinaryOp.SUBTRACT, (a, b) -> a - b);
      case Mul(var x, var y, _) ->
          ElementwiseKernels.binary(op, x, y, BinaryOp.MULTIPLY, (a, b) -> a * b);
      case Div(var x, var y, _) -> divide(op, x, y);
      case Pow(var x, var y, _) -> general(op, x, y, Math::pow);
      case Max(var x, var y, _) -> ElementwiseKernels.binary(op, x, y, BinaryOp.MAXIMUM, Math::max);
      case Min(var x, var y, _) -> ElementwiseKernels.binary(op, x, y, BinaryOp.MINIMUM, Math::min);
      case Equal(var x, var y, _) -> general(op, x, y, (a, b) -> a == b ? 1 : 0);
      case Less(var x, var y, _) -> general(op, x, y, (a, b) -> a < b ? 1 : 0);
      case LessEqual(var x, var y, _) -> general(op, x, y, (a, b) -> a <= b ? 1 : 0);
      case And(var x, var y, _) -> general(op, x, y, (a, b) -> a * b);
      case Or(var x, var y, _) -> general(op, x, y, Math::max);
      case Where(var c, var x, var y, _) ->
          Choice.kernel(
              "general",
              w -> General.where(w.of(c), w.of(x), w.of(y), w.of(op), x.tensorType().dtype()));
      case Neg(var x, _) -> ElementwiseKernels.unary(op, x, UnaryOp.NEGATE, v -> -v);
      case Abs(var x, _) -> ElementwiseKernels.unary(op, x, UnaryOp.ABS, Math::abs);
      case Sign(var x, _) -> unary(op, x, Math::signum);
      case Floor(var x, _) -> unary(op, x, Math::floor);
      case Ceil(var x, _) -> unary(op, x, Math::ceil);
      case Round(var x, _) -> unary(op, x, Math::rint);
      case Log(var x, _) -> unary(op, x, Math::log);
      case Rsqrt(var x, _) -> unary(op, x, v -> 1 / Math.sqrt(v));
      case Sin(var x, _) -> unary(op, x, Math::sin);
      case Cos(var x, _) -> unary(op, x, Math::cos);
      case Not(var x, _) -> unary(op, x, v -> 1 - v);
      case Clip(var x, var min, var max, _) -> unary(op, x, v -> Math.min(Math.max(v, min), max));
      case Exp(var x, _) -> ElementwiseKernels.unary(op, x, UnaryOp.EXP, Math::exp);
      case Sqrt(var x, _) -> ElementwiseKernels.unary(op, x, UnaryOp.SQRT, Math::sqrt);
      case Tanh(var x, _) -> ElementwiseKernels.unary(op, x, UnaryOp.TANH, Math::tanh);
      case Relu(var x, _) -> ElementwiseKernels.unary(op, x, UnaryOp.RELU, v -> Math.max(v, 0));
      case Sigmoid(var x, _) ->
          ElementwiseKernels.unary(op, x, UnaryOp.SIGMOID, v -> 1 / (1 + Math.exp(-v)));
      case Silu o -> ElementwiseKernels.silu(o, tier);
      case Erf(var x, _) -> ElementwiseKernels.erf(op, x);
      case Gelu o -> ElementwiseKernels.gelu(o, tier);
      case ReduceSum(var x, var axes, _, _) ->
          reduce(op, x, axes, w -> General.reduceRows(w.of(x), w.of(op), 0, Double::sum, false));
      case ReduceMean(var x, var axes, _, _) ->
          reduce(op, x, axes, w -> General.reduceRows(w.of(x), w.of(op), 0, Double::sum, true));
      case ReduceMax(var x, var axes, _, _) ->
          reduce(
              op,
              x,
              axes,
              w ->
                  General.reduceRows(
                      w.of(x), w.of(op), Double.NEGATIVE_INFINITY, Math::max, false));
      case TopK(var x, _, _) ->
          f32(x)
              ? Choice.kernel(
                  "general", w -> General.topK(w.of(x), w.result(op, 0), w.result(op, 1)))
              : wants(x, "f32");
      case ArgMax(var x, _) -> Choice.none("there is no kernel for arg_max", "top_k with k = 1");
      case GatherElements(var x, var i, _) ->
          Choice.kernel(
              "general",
              w -> General.gatherElements(w.of(x), dtype(x), w.of(i), dtype(i), w.of(op)));
      case ScatterElements(var x, var i, var u, _) ->
          Choice.kernel(
              "general",
              w ->
                  General.scatterElements(w.of(x), dtype(x), w.of(i), dtype(i), w.of(u), w.of(op)));
      default ->
          Choice.none(
              "the CPU backend has no kernel for " + op.name(),
              "its decomposition, if it has one: -p decompose{only=" + op.name() + "}");
    };
  }

  /** Every tensor must be of a dtype that can be read; the kernels narrow this down. */
  private static @Nullable Choice unsupportedType(Op op) {
    if (op instanceof Linear
        || op instanceof GatedLinear
        || op instanceof Moe
        || op instanceof Gather
        || op instanceof Quantize
        || op instanceof Dequantize
        || op instanceof Constant
        || op instanceof Iota) {
      return null;
    }
    for (var input : op.inputs()) {
      if (input.type() instanceof Type.Tensor t && !Scalars.handles(t.dtype()) && !isLayout(op)) {
        return wants(input, "f32, f16, bf16, i32, i64 or bool");
      }
    }
    var results = op.type() instanceof Type.Tuple(var parts) ? parts : List.of(op.type());
    for (var result : results) {
      if (result instanceof Type.Tensor t && !Scalars.handles(t.dtype()) && !isLayout(op)) {
        return Choice.none(
            "a result is " + t + ", and the kernels write f32, f16, bf16, i32, i64 and bool",
            "cast to one of these instead");
      }
    }
    return null;
  }

  private static boolean isLayout(Op op) {
    return op instanceof org.fusionc.ir.Trait.Layout;
  }

  static DType dtype(Value value) {
    return value.tensorType().dtype();
  }

  static boolean f32(Value value) {
    return dtype(value) == Scalar.F32;
  }

  /** The refusal of an operand whose dtype a kernel does not read. */
  static Choice wants(Value operand, String dtypes) {
    return Choice.none(
        "an operand is " + operand.type() + ", and the kernel reads " + dtypes,
        "cast it to f32 first");
  }

  /** The refusal of operands of which one cannot be read as f32; null if all there are can. */
  static @Nullable Choice unreadable(@Nullable Value... operands) {
    for (var operand : operands) {
      if (operand != null && !Scalars.handles(dtype(operand))) {
        return wants(operand, "f32, f16 or bf16");
      }
    }
    return null;
  }

  static Choice unary(Op op, Value x, DoubleUnaryOperator f) {
    return Choice.kernel(
        "general", w -> General.unary(w.of(x), dtype(x), w.of(op), op.tensorType().dtype(), f));
  }

  static Choice general(Op op, Value x, Value y, DoubleBinaryOperator f) {
    return Choice.kernel(
        "general",
        w -> General.binary(w.of(x), w.of(y), dtype(x), w.of(op), op.tensorType().dtype(), f));
  }

  private static Choice divide(Op op, Value x, Value y) {
    return dtype(x).isInt()
        ? general(op, x, y, (a, b) -> Math.floor(Math.abs(a / b)) * Math.signum(a / b))
        : ElementwiseKernels.binary(op, x, y, BinaryOp.DIVIDE, (a, b) -> a / b);
  }

  private static Choice reduce(Op op, Value x, List<Long> axes, Choice.Factory factory) {
    int rank = x.tensorType().rank();
    boolean last = axes.size() == 1 && (axes.getFirst() == -1 || axes.getFirst() == rank - 1);
    if (!last && !(axes.isEmpty() && rank == 1)) {
      return Choice.none(
          op.name() + " runs over the last dimension only, not over " + axes,
          "transpose the dimension to the end first");
    }
    return f32(x) ? Choice.kernel("general", factory) : wants(x, "f32");
  }
}
