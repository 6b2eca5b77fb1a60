package org.fusionc.backend.cpu;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.fusionc.backend.cpu.jit.GatedUnits;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.BinaryOp;
import org.fusionc.backend.cpu.kernel.Elementwise;
import org.fusionc.backend.cpu.kernel.Extent;
import org.fusionc.backend.cpu.kernel.UnaryOp;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Geglu;
import org.fusionc.ir.op.Gelu;
import org.fusionc.ir.op.PackedGeglu;
import org.fusionc.ir.op.PackedSwiglu;
import org.fusionc.ir.op.Softcap;
import org.fusionc.ir.op.Swiglu;
import org.jspecify.annotations.Nullable;

/** Elementwise kernels for f32, wired to their ops; other dtypes go to the general ones. */
final class ElementwiseKernels {
  private ElementwiseKernels() {}

  /** In vectors for f32, else element by element with the scalar function. */
  static Choice unary(Op op, Value x, UnaryOp kernel, DoubleUnaryOperator scalar) {
    if (!KernelTable.f32(x)) {
      return KernelTable.unary(op, x, scalar);
    }
    return Choice.kernel(
        "elementwise",
        w -> {
          int from = w.of(x);
          int to = w.of(op);
          return run ->
              Elementwise.unary(run.pool(), kernel, run.data(from), run.data(to), run.elements(to));
        });
  }

  /** In vectors for f32 operands that are whole, a row, a column or a number; else one by one. */
  static Choice binary(Op op, Value x, Value y, BinaryOp kernel, DoubleBinaryOperator scalar) {
    if (!KernelTable.f32(x)) {
      return KernelTable.general(op, x, y, scalar);
    }
    return Choice.kernel(
        "elementwise",
        w -> {
          int a = w.of(x);
          int b = w.of(y);
          int z = w.of(op);
          var type = KernelTable.dtype(x);
          var general = General.binary(a, b, type, z, type, scalar);
          return run -> {
            int columns = Math.max(run.width(a), run.width(b));
            var left = extent(run.shape(a), run.shape(z));
            var right = extent(run.shape(b), run.shape(z));
            if (left == null || right == null) {
              general.run(run);
              return;
            }
            Elementwise.binary(
                run.pool(),
                kernel,
                run.data(a),
                left,
                run.data(b),
                right,
                run.data(z),
                columns == 0 ? 0 : run.elements(z) / columns,
                columns);
          };
        });
  }

  /**
   * What an operand spans of a result seen as rows of the last dimension; null if none of these.
   */
  private static @Nullable Extent extent(long[] shape, long[] result) {
    long elements = 1;
    for (long dim : shape) {
      elements *= dim;
    }
    if (java.util.Arrays.equals(shape, result)) {
      return Extent.FULL;
    }
    if (elements == 1) {
      return Extent.SCALAR;
    }
    int last = shape.length - 1;
    if (shape[last] == result[result.length - 1] && elements == shape[last]) {
      return Extent.ROW;
    }
    boolean column = shape.length == result.length && shape[last] == 1;
    for (int i = 0; column && i < last; i++) {
      column = shape[i] == result[i];
    }
    return column ? Extent.COLUMN : null;
  }

  static Choice gelu(Gelu op) {
    var kernel = op.approximate().equals("tanh") ? UnaryOp.GELU_TANH : UnaryOp.GELU;
    return DecoderKernels.onF32(
        op.x(),
        "elementwise",
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          return run ->
              Elementwise.unary(run.pool(), kernel, run.data(x), run.data(y), run.elements(y));
        });
  }

  static Choice erf(Op op, Value x) {
    return DecoderKernels.onF32(
        x,
        "elementwise",
        w -> {
          int from = w.of(x);
          int to = w.of(op);
          return run ->
              Elementwise.unary(
                  run.pool(), UnaryOp.ERF, run.data(from), run.data(to), run.elements(to));
        });
  }

  static Choice softcap(Softcap op) {
    return DecoderKernels.onF32(
        op.x(),
        "elementwise",
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          return run ->
              Elementwise.softcap(
                  run.pool(), (float) op.cap(), run.data(x), run.data(y), run.elements(y));
        });
  }

  static Choice swiglu(Swiglu op, Tier tier) {
    return gated(op, op.gate(), op.up(), BinaryOp.SWIGLU, tier);
  }

  static Choice geglu(Geglu op, Tier tier) {
    return gated(op, op.gate(), op.up(), geglu(op.approximate()), tier);
  }

  private static BinaryOp geglu(String approximate) {
    return approximate.equals("tanh") ? BinaryOp.GEGLU_TANH : BinaryOp.GEGLU;
  }

  /** The function of that name in machine code; null if there is none. */
  private static GatedUnits.@Nullable Kind kind(BinaryOp kernel) {
    return switch (kernel) {
      case SWIGLU -> GatedUnits.Kind.SWIGLU;
      case GEGLU_TANH -> GatedUnits.Kind.GEGLU_TANH;
      default -> null;
    };
  }

  private static Choice gated(Op op, Value gate, Value up, BinaryOp kernel, Tier tier) {
    var kind = kind(kernel);
    var target = kind == null ? null : Target.of(tier).orElse(null);
    return DecoderKernels.onF32(
        gate,
        DecoderKernels.named("elementwise", target),
        w -> {
          int g = w.of(gate);
          int u = w.of(up);
          int y = w.of(op);
          if (target != null && kind != null) {
            var units = new GatedUnits(target, kind);
            return run ->
                units.run(run.pool(), run.data(g), run.data(u), run.data(y), run.elements(y));
          }
          return run ->
              Elementwise.binary(
                  run.pool(), kernel, run.data(g), run.data(u), run.data(y), run.elements(y));
        });
  }

  static Choice packedSwiglu(PackedSwiglu op, Tier tier) {
    return packed(op, op.gateUp(), BinaryOp.SWIGLU, tier);
  }

  static Choice packedGeglu(PackedGeglu op, Tier tier) {
    return packed(op, op.gateUp(), geglu(op.approximate()), tier);
  }

  private static Choice packed(Op op, Value gateUp, BinaryOp kernel, Tier tier) {
    var kind = kind(kernel);
    var target = kind == null ? null : Target.of(tier).orElse(null);
    return DecoderKernels.onF32(
        gateUp,
        DecoderKernels.named("packed_glu", target),
        w -> {
          int x = w.of(gateUp);
          int y = w.of(op);
          if (target != null && kind != null) {
            var units = new GatedUnits(target, kind);
            return run ->
                units.packed(run.pool(), run.data(x), run.data(y), run.rows(y), run.width(y));
          }
          return run ->
              Elementwise.packed(
                  run.pool(), kernel, run.data(x), run.data(y), run.rows(y), run.width(y));
        });
  }
}
