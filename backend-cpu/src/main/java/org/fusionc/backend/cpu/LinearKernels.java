package org.fusionc.backend.cpu;

import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.ir.Weight;
import org.fusionc.ir.op.Linear;

/** Which kernel runs a linear layer: machine code for the tier where there is some, by format. */
final class LinearKernels {
  private LinearKernels() {}

  static Choice choose(Linear op, Tier tier) {
    var portable = DecoderKernels.linear(op);
    var target = Target.of(tier).orElse(null);
    if (!(portable instanceof Choice.Kernel) || target == null || !isMatrix(op)) {
      return portable;
    }
    var dtype = KernelTable.dtype(op.weight());
    return packed(op, "gemm_%s [%s]".formatted(dtype, target.describe(dtype)), target);
  }

  /** Whether the layer reads packed weights. */
  static boolean isPacked(Linear op, Tier tier) {
    return isMatrix(op)
        && Target.of(tier).isPresent()
        && DecoderKernels.linear(op) instanceof Choice.Kernel;
  }

  private static boolean isMatrix(Linear op) {
    return op.weight() instanceof Weight && op.weight().tensorType().rank() == 2;
  }

  private static Choice packed(Linear op, String name, Target target) {
    return Choice.kernel(
        name,
        w -> {
          int x = w.of(op.x());
          int bias = w.f32OrNone(op.bias());
          int y = w.of(op);
          PackedLinear layer = w.packed((Weight) op.weight(), target).getFirst();
          return run ->
              layer.run(run.pool(), run.data(x), run.dataOrNone(bias), run.data(y), run.rows(x));
        });
  }
}
