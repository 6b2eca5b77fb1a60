package org.fusionc.backend.cpu;

import java.util.ArrayList;
import java.util.Locale;
import java.util.stream.Stream;
import org.fusionc.backend.cpu.jit.GatedUnits;
import org.fusionc.backend.cpu.jit.PackedExperts;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.ExpertProducts;
import org.fusionc.backend.cpu.kernel.Experts;
import org.fusionc.backend.cpu.kernel.Gate;
import org.fusionc.backend.cpu.kernel.Gating;
import org.fusionc.backend.cpu.kernel.WeightMatrix;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.op.Activation;
import org.fusionc.ir.op.Moe;
import org.jspecify.annotations.Nullable;

/** Which kernels run a mixture of experts: those of linear layers, for all experts together. */
final class ExpertKernels {
  private ExpertKernels() {}

  static Choice choose(Moe op, Tier tier) {
    var wrong = QuantizedKernels.unreadable(op.gate());
    wrong = wrong != null ? wrong : QuantizedKernels.unreadable(op.down());
    if (wrong != null) {
      return wrong;
    }
    var unread = KernelTable.unreadable(op.gateBias(), op.upBias(), op.downBias());
    if (unread != null) {
      return unread;
    }
    if (!op.gate().tensorType().isStatic()) {
      return Choice.none(
          "its experts are " + op.gate().type() + ", of no fixed size",
          "experts of a static shape");
    }
    var target = Target.of(tier).filter(_ -> areWeights(op)).orElse(null);
    var dtype = KernelTable.dtype(op.gate());
    return DecoderKernels.onF32(
        op.x(),
        DecoderKernels.named("moe_" + dtype, dtype, target),
        w -> {
          int x = w.of(op.x());
          int ids = w.of(op.experts());
          int weights = w.of(op.weights());
          var gateUp = products(w, target, op.gate(), op.up());
          var down = products(w, target, op.down());
          int gateBias = w.f32OrNone(op.gateBias());
          int upBias = w.f32OrNone(op.upBias());
          int downBias = w.f32OrNone(op.downBias());
          int y = w.of(op);
          var gating = gating(op, target);
          var idType = KernelTable.dtype(op.experts());
          var sizes = op.gate().tensorType();
          int experts = (int) sizes.dim(0).value();
          int hidden = (int) sizes.dim(1).value();
          return run -> {
            var kernel =
                new Experts(
                    experts,
                    hidden,
                    run.width(x),
                    gateUp.in(run),
                    down.in(run),
                    run.dataOrNone(gateBias),
                    run.dataOrNone(upBias),
                    run.dataOrNone(downBias),
                    gating);
            kernel.run(
                run.pool(),
                run.data(x),
                Scalars.ints(run.data(ids), idType, run.elements(ids)),
                run.data(weights),
                run.data(y),
                run.rows(x),
                run.width(weights));
          };
        });
  }

  /** In machine code where there is some for the activation. */
  private static Gate gating(Moe op, @Nullable Target target) {
    var kind = Gating.Kind.valueOf(op.activation().toUpperCase(Locale.ROOT));
    boolean isCoded = kind != Gating.Kind.RELU && kind != Gating.Kind.CLAMPED_SWIGLU;
    return target != null && isCoded
        ? new GatedUnits(target, Activation.of(op.activation()))
        : new Gating(kind, (float) op.alpha(), (float) op.limit());
  }

  private static boolean areWeights(Moe op) {
    return op.gate() instanceof Weight && op.up() instanceof Weight && op.down() instanceof Weight;
  }

  /** The experts' products as a run finds them. */
  private interface Products {
    ExpertProducts in(Run run);
  }

  /** The products of layers that read the same rows. */
  private static Products products(Wiring w, @Nullable Target target, Value... layers) {
    if (target != null) {
      var packed =
          new PackedExperts(Stream.of(layers).map(l -> w.packed((Weight) l, target)).toList());
      return _ -> packed;
    }
    var numbers = Stream.of(layers).mapToInt(w::of).toArray();
    var dtypes = Stream.of(layers).map(KernelTable::dtype).toList();
    int n = Math.toIntExact(layers[0].tensorType().dim(1).value());
    int k = Math.toIntExact(layers[0].tensorType().dim(2).value());
    return run -> {
      var matrices = new ArrayList<WeightMatrix>();
      for (int i = 0; i < numbers.length; i++) {
        matrices.add(QuantizedKernels.matrix(run, numbers[i], dtypes.get(i)));
      }
      return ExpertProducts.of(matrices, n, k);
    };
  }
}
