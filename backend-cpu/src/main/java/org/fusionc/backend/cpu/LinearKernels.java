package org.fusionc.backend.cpu;

import org.fusionc.backend.cpu.jit.GatedUnits;
import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.op.Activation;
import org.fusionc.ir.op.GatedLinear;
import org.fusionc.ir.op.Linear;
import org.jspecify.annotations.Nullable;

/** Which kernel runs a linear layer: machine code for the tier where there is some, by format. */
final class LinearKernels {
  private LinearKernels() {}

  static Choice choose(Linear op, Tier tier) {
    var target = target(op.weight(), tier);
    return readable(
        op.x(),
        op.weight(),
        op.bias(),
        "gemm_" + KernelTable.dtype(op.weight()),
        target,
        w -> product(w, op.x(), op.weight(), op.bias(), w.of(op), target));
  }

  /** In one kernel, where the target's code can; else one after the other. */
  static Choice gated(GatedLinear op, Tier tier) {
    var dtype = KernelTable.dtype(op.weight());
    var target = target(op.weight(), tier);
    boolean isOne = target != null && PackedLinear.isHalved(target, channels(op).value());
    return readable(
        op.x(),
        op.weight(),
        op.bias(),
        isOne ? "gemm_glu_" + dtype : "gemm_" + dtype + " + packed_glu",
        target,
        w -> target != null && isOne ? inOne(w, op, target) : inTwo(w, op, target));
  }

  private static Dim channels(GatedLinear op) {
    return op.weight().tensorType().dim(0);
  }

  private static Step inOne(Wiring w, GatedLinear op, Target target) {
    int x = w.of(op.x());
    int bias = w.f32OrNone(op.bias());
    int y = w.of(op);
    var layer = w.packed((Weight) op.weight(), target).getFirst();
    var units = new GatedUnits(target, Activation.of(op.activation()));
    return run ->
        layer.gated(run.pool(), run.data(x), run.dataOrNone(bias), run.data(y), run.rows(x), units);
  }

  private static Step inTwo(Wiring w, GatedLinear op, @Nullable Target target) {
    int whole = w.scratch(op.x().tensorType().withLast(channels(op)));
    var product = product(w, op.x(), op.weight(), op.bias(), whole, target);
    var function = Activation.of(op.activation());
    var gate = ElementwiseKernels.packed(whole, w.of(op), function, target);
    return run -> {
      product.run(run);
      gate.run(run);
    };
  }

  /** {@code y = linear(x, weight, bias)}. */
  private static Step product(
      Wiring w, Value input, Value weight, @Nullable Value added, int y, @Nullable Target target) {
    if (target == null) {
      return DecoderKernels.linear(w, input, weight, added, y);
    }
    int x = w.of(input);
    int bias = w.f32OrNone(added);
    var layer = w.packed((Weight) weight, target).getFirst();
    return run ->
        layer.run(run.pool(), run.data(x), run.dataOrNone(bias), run.data(y), run.rows(x));
  }

  private static Choice readable(
      Value x,
      Value weight,
      @Nullable Value bias,
      String name,
      @Nullable Target target,
      Choice.Factory factory) {
    var wrong = QuantizedKernels.unreadable(weight);
    if (wrong == null) {
      wrong = KernelTable.unreadable(bias);
    }
    var named = DecoderKernels.named(name, KernelTable.dtype(weight), target);
    return wrong != null ? wrong : DecoderKernels.onF32(x, named, factory);
  }

  /** Whether an op reads the packed form of a weight. */
  static boolean readsPacked(Op op, Weight weight, Tier tier) {
    return target(weight, tier) != null
        && switch (op) {
          case Linear linear ->
              linear.weight().equals(weight) && choose(linear, tier) instanceof Choice.Kernel;
          case GatedLinear linear ->
              linear.weight().equals(weight) && gated(linear, tier) instanceof Choice.Kernel;
          default -> false;
        };
  }

  /** The target for which a product's weight is packed; null where it is read as it is. */
  private static @Nullable Target target(Value weight, Tier tier) {
    boolean isMatrix = weight instanceof Weight && weight.tensorType().rank() == 2;
    return isMatrix ? Target.of(tier).orElse(null) : null;
  }
}
