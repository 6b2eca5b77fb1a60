package org.fusionc.partitioner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.fusionc.ir.Module;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Origin;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Stage;
import org.fusionc.partitioner.cost.FunctionChain;
import org.fusionc.partitioner.cost.Step;

/** Plans without a cluster: stages in one process, of about equal cost. */
public final class InProcess {
  private static final Step STEP = Step.decode(1, 512);

  private InProcess() {}

  /**
   * Cuts {@code @decode} into {@code count} stages of nearly equal memory traffic, each cut where
   * little crosses.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if there are not that many places to cut
   */
  public static Plan stages(Module module, int count) {
    if (count < 1) {
      throw Diagnostic.usage("there must be at least one stage, not " + count, "write --stages 1")
          .exception();
    }
    var chain = new FunctionChain(module.function(Planner.FUNCTION));
    var work = chain.work(STEP);
    var before = new double[chain.size() + 1];
    for (int op = 0; op < chain.size(); op++) {
      before[op + 1] = before[op] + Math.max(work.bytes()[op], work.flops()[op]);
    }
    var cuts = cuts(count, before, work.crossing());
    var liveness = chain.liveness();
    var names = ValueNames.of(liveness.function());
    var stages = new ArrayList<Stage>();
    for (int i = 0; i < count; i++) {
      Optional<String> through =
          i < count - 1
              ? Optional.of(names.results(liveness.steps().get(cuts.get(i) - 1)).getFirst())
              : Optional.empty();
      stages.add(
          new Stage(i, "local.cpu", Planner.FUNCTION, through, Attributes.NONE, Origin.NONE));
    }
    return new Plan(
        "local",
        "",
        OptionalDouble.empty(),
        Attributes.NONE,
        List.of(),
        List.of(),
        stages,
        List.of(),
        Origin.NONE);
  }

  /** Positions of the cuts: where least crosses first, where that leaves too few, anywhere. */
  private static List<Integer> cuts(int count, double[] before, double[] crossing) {
    // The twentieth part that crosses least: between layers. The very least may be some odd place
    // at an end, where only ids are alive.
    var sorted = crossing.clone();
    Arrays.sort(sorted);
    double least = sorted[sorted.length / 20 + 2 < sorted.length ? sorted.length / 20 + 2 : 0];
    var thin = new ArrayList<Integer>();
    var any = new ArrayList<Integer>();
    for (int i = 1; i + 1 < crossing.length; i++) {
      if (crossing[i] < Double.POSITIVE_INFINITY) {
        any.add(i);
        if (crossing[i] <= 1.01 * least) {
          thin.add(i);
        }
      }
    }
    if (any.size() < count - 1) {
      throw Diagnostic.infeasible(
              Location.unknown(),
              "@" + Planner.FUNCTION + " can be cut into at most " + (any.size() + 1) + " stages",
              "ask for fewer")
          .exception();
    }
    return nearest(thin.size() >= 2 * count ? thin : any, count, before);
  }

  private static List<Integer> nearest(List<Integer> places, int count, double[] before) {
    var cuts = new ArrayList<Integer>();
    double total = before[before.length - 1];
    int next = 0;
    for (int cut = 1; cut < count; cut++) {
      double target = total * cut / count;
      // Enough places must remain for the cuts after this one.
      int last = places.size() - (count - 1 - cut) - 1;
      while (next < last
          && Math.abs(before[places.get(next + 1)] - target)
              <= Math.abs(before[places.get(next)] - target)) {
        next++;
      }
      cuts.add(places.get(next++));
    }
    return cuts;
  }
}
