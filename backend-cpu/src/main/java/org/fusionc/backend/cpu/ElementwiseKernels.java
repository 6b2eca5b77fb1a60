package org.fusionc.backend.cpu;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.fusionc.backend.cpu.jit.Activations;
import org.fusionc.backend.cpu.jit.GatedUnits;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.BinaryOp;
import org.fusionc.backend.cpu.kernel.Elementwise;
import org.fusionc.backend.cpu.kernel.Extent;
import org.fusionc.backend.cpu.kernel.UnaryOp;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Activation;
import org.fusionc.ir.op.Geglu;
import org.fusionc.ir.op.Gelu;
import org.fusionc.ir.op.PackedGeglu;
import org.fusionc.ir.op.PackedSwiglu;
import org.fusionc.ir.op.Silu;
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

  static Choice gelu(Gelu op, Tier tier) {
    return activation(op, op.x(), Activation.gelu(op.approximate()), tier);
  }

  static Choice silu(Silu op, Tier tier) {
    return KernelTable.f32(op.x())
        ? activation(op, op.x(), Activation.SILU, tier)
        : KernelTable.unary(op, op.x(), v -> v / (1 + Math.exp(-v)));
  }

  private static Choice activation(Op op, Value input, Activation function, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return DecoderKernels.onF32(
        input,
        DecoderKernels.named("elementwise", target),
        w -> {
          int x = w.of(input);
          int y = w.of(op);
          if (target != null) {
            var kernel = new Activations(target, function);
            return run -> kernel.run(run.pool(), run.data(x), run.data(y), run.elements(y));
          }
          var portable =
              switch (function) {
                case SILU -> UnaryOp.SILU;
                case GELU -> UnaryOp.GELU;
                case GELU_TANH -> UnaryOp.GELU_TANH;
              };
          return run ->
              Elementwise.unary(run.pool(), portable, run.data(x), run.data(y), run.elements(y));
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

  /** The portable kernel that multiplies the other operand of a gated unit by the function. */
  private static BinaryOp gating(Activation function) {
    return switch (function) {
      case SILU -> BinaryOp.SWIGLU;
      case GELU -> BinaryOp.GEGLU;
      case GELU_TANH -> BinaryOp.GEGLU_TANH;
    };
  }

  static Choice swiglu(Swiglu op, Tier tier) {
    return gated(op, op.gate(), op.up(), Activation.SILU, tier);
  }

  static Choice geglu(Geglu op, Tier tier) {
    return gated(op, op.gate(), op.up(), Activation.gelu(op.approximate()), tier);
  }

  private static Choice gated(Op op, Value gate, Value up, Activation function, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return DecoderKernels.onF32(
        gate,
        DecoderKernels.named("elementwise", target),
        w -> {
          int g = w.of(gate);
          int u = w.of(up);
          int y = w.of(op);
          if (target != null) {
            var units = new GatedUnits(target, function);
            return run ->
                units.run(run.pool(), run.data(g), run.data(u), run.data(y), run.elements(y));
          }
          var portable = gating(function);
          return run ->
              Elementwise.binary(
                  run.pool(), portable, run.data(g), run.data(u), run.data(y), run.elements(y));
        });
  }

  static Choice packedSwiglu(PackedSwiglu op, Tier tier) {
    return packed(op, op.gateUp(), Activation.SILU, tier);
  }

  static Choice packedGeglu(PackedGeglu op, Tier tier) {
    return packed(op, op.gateUp(), Activation.gelu(op.approximate()), tier);
  }

  private static Choice packed(Op op, Value gateUp, Activation function, Tier tier) {
    var target = Target.of(tier).orElse(null);
    return DecoderKernels.onF32(
        gateUp,
        DecoderKernels.named("packed_glu", target),
        w -> packed(w.of(gateUp), w.of(op), function, target));
  }

  /** The halves of x's rows, gated; in machine code if there is a target. */
  static Step packed(int x, int y, Activation function, @Nullable Target target) {
    if (target != null) {
      var units = new GatedUnits(target, function);
      return run -> units.packed(run.pool(), run.data(x), run.data(y), run.rows(y), run.width(y));
    }
    var portable = gating(function);
    return run ->
        Elementwise.packed(
            run.pool(), portable, run.data(x), run.data(y), run.rows(y), run.width(y));
  }
}
