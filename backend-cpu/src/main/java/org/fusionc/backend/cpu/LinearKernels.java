package org.fusionc.backend.cpu;

import java.util.Locale;
import org.fusionc.backend.cpu.jit.Activation;
import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.op.GatedLinear;
import org.fusionc.ir.op.Linear;

/** Which kernel runs a linear layer: machine code for the tier where there is some, by format. */
final class LinearKernels {
  private LinearKernels() {}

  static Choice choose(Linear op, Tier tier) {
    var portable = DecoderKernels.linear(op);
    var target = Target.of(tier).orElse(null);
    if (!(portable instanceof Choice.Kernel) || target == null || !isMatrix(op.weight())) {
      return portable;
    }
    return Choice.kernel(
        name("gemm_", op.weight(), target),
        w -> {
          int x = w.of(op.x());
          int bias = w.f32OrNone(op.bias());
          int y = w.of(op);
          var layer = w.packed((Weight) op.weight(), target).getFirst();
          return run ->
              layer.run(run.pool(), run.data(x), run.dataOrNone(bias), run.data(y), run.rows(x));
        });
  }

  /** In machine code only; elsewhere it is taken apart. */
  static Choice gated(GatedLinear op, Tier tier) {
    var wrong = QuantizedKernels.unreadable(op.weight());
    if (wrong != null) {
      return wrong;
    }
    var target = Target.of(tier).orElse(null);
    if (target == null || !isMatrix(op.weight()) || !KernelTable.f32(op.x())) {
      return Choice.none(
          "its kernel is machine code for f32 and a weight that can be packed",
          "linear, and packed_swiglu or packed_geglu after it");
    }
    if (!PackedLinear.isHalved(target, op.weight().tensorType().dim(0).value())) {
      return Choice.none(
          "the halves of " + op.weight().type() + " are no whole panels of channels",
          "linear, and packed_swiglu or packed_geglu after it");
    }
    var function = Activation.valueOf(op.activation().toUpperCase(Locale.ROOT));
    return Choice.kernel(
        name("gemm_glu_", op.weight(), target),
        w -> {
          int x = w.of(op.x());
          int bias = w.f32OrNone(op.bias());
          int y = w.of(op);
          var layer = w.packed((Weight) op.weight(), target).getFirst();
          return run ->
              layer.gated(
                  run.pool(),
                  run.data(x),
                  run.dataOrNone(bias),
                  run.data(y),
                  run.rows(x),
                  function);
        });
  }

  private static String name(String kind, Value weight, Target target) {
    var dtype = KernelTable.dtype(weight);
    return "%s%s [%s]".formatted(kind, dtype, target.describe(dtype));
  }

  /** Whether an op reads the packed form of a weight. */
  static boolean readsPacked(Op op, Weight weight, Tier tier) {
    return isMatrix(weight)
        && Target.of(tier).isPresent()
        && switch (op) {
          case Linear linear ->
              linear.weight().equals(weight)
                  && DecoderKernels.linear(linear) instanceof Choice.Kernel;
          case GatedLinear linear ->
              linear.weight().equals(weight) && gated(linear, tier) instanceof Choice.Kernel;
          default -> false;
        };
  }

  private static boolean isMatrix(Value weight) {
    return weight instanceof Weight && weight.tensorType().rank() == 2;
  }
}
