package org.fusionc.runtime.model;

import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.partitioner.Objective;
import org.fusionc.partitioner.PlanOptions;
import org.fusionc.partitioner.Planner;
import org.fusionc.partitioner.cluster.Cluster;
import org.jspecify.annotations.Nullable;

/** Making plans for models. */
public final class Planning {
  private Planning() {}

  /**
   * The plan of a model over a cluster, as the text of a FIR file of its own.
   *
   * @param context positions per sequence; null for 4096, or the model's own if that is less
   * @param quantize the formats of weights; null to leave them as they are
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if no plan fits, saying what is short
   */
  public static String plan(
      ModelSource source,
      Cluster machines,
      Objective objective,
      @Nullable Integer context,
      int batch,
      @Nullable String quantize) {
    var options =
        Compiler.Options.whole(Compiler.backend("interp"), Phase.QUANTIZED).quantized(quantize);
    var compiled = Compiler.compile(source.module(), source.phase(), options);
    int positions = context == null ? Math.min(4096, source.context()) : context;
    var plan =
        Planner.plan(compiled.module(), machines, new PlanOptions(objective, positions, batch));
    return FirPrinter.print(Module.empty(new Graph()).withPlan(plan));
  }
}
