package org.fusionc.partitioner;

import java.util.List;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.PassOption;

/** {@link Partition} as a pass: by the plan in the module, or into stages of equal cost. */
public final class PartitionPass implements Pass {
  private static final PassOption STAGES =
      new PassOption("stages", 0L, "cut into this many stages of equal cost; 0: as the plan says");

  @Override
  public String name() {
    return "partition";
  }

  @Override
  public String summary() {
    return "Cuts @decode into one function per stage, as the module's plan says.";
  }

  @Override
  public List<PassOption> options() {
    return List.of(STAGES);
  }

  @Override
  public Module run(Module module, PassContext context) {
    long stages = context.integer(STAGES.name());
    if (stages > 0) {
      var plan = InProcess.stages(module, Math.toIntExact(Math.min(stages, Integer.MAX_VALUE)));
      context.count("stages", stages);
      return Partition.apply(module, plan);
    }
    var plan =
        module
            .plan()
            .orElseThrow(() ->
                Diagnostic.invalid(
                        Location.unknown(),
                        "the module has no plan to cut it by",
                        "add one with 'fusionc plan', or write partition{stages=3}")
                    .exception());
    if (Partition.isApplied(module, plan)) {
      return module;
    }
    context.count("stages", plan.stages().size());
    return Partition.apply(module, PlanChecker.check(module, plan));
  }
}
