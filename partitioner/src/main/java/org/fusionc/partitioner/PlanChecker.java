package org.fusionc.partitioner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Link;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.PlanValue;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Stage;
import org.fusionc.ir.plan.Unit;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.ClusterDevice;
import org.fusionc.partitioner.solve.Piece;

/** Checks plans that people wrote or edited, and does their sums. */
public final class PlanChecker {
  /**
   * A stage's attribute of how many seconds it is expected to take to go on elsewhere when its
   * device is lost. The checker keeps it: what it depends on is not in the plan.
   */
  public static final String RECOVER = "recover";

  private static final List<String> EXPECTED =
      List.of("context", "batch", "micro_batch", "decode", "prefill", "throughput", "bottleneck");

  private final Module module;
  private final Plan plan;

  private PlanChecker(Module module, Plan plan) {
    this.module = module;
    this.plan = plan;
  }

  /**
   * Checks a plan against the module whose function it cuts.
   *
   * @return the plan with its numbers and edges computed anew. The bound is left out if anything
   *     changed, since it held for another plan. A plan without device lines, such as that of
   *     {@code --stages}, comes back as it is.
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it contradicts itself or the module
   *     (invalid), or does not fit its devices (infeasible)
   */
  public static Plan check(Module module, Plan plan) {
    return new PlanChecker(module, plan).check();
  }

  /**
   * Checks a plan as one over another cluster, whose devices its stages must name.
   *
   * @param options the objective, context and batch, whatever the plan states
   * @return the plan with that cluster's lines and the numbers that it has there
   * @throws org.fusionc.ir.diagnostic.DiagnosticException as {@link #check}
   */
  public static Plan over(Module module, Plan plan, Cluster cluster, PlanOptions options) {
    var links = new ArrayList<Link>();
    cluster
        .links()
        .forEach(
            link -> links.add(Cluster.line(link.from(), link.to(), link.both(), link.speed())));
    cluster.defaultLink().ifPresent(speed -> links.add(Cluster.defaultLine(speed)));
    return check(
        module,
        new Plan(
            plan.name(),
            options.objective().toString(),
            OptionalDouble.empty(),
            plan.expect()
                .with("context", new Quantity(options.context(), Unit.NONE))
                .with("batch", new Quantity(options.batch(), Unit.NONE)),
            cluster.devices().stream().map(ClusterDevice::line).toList(),
            links,
            plan.stages(),
            plan.edges(),
            plan.origin()));
  }

  private Plan check() {
    if (Partition.isApplied(module, plan)) {
      return plan;
    }
    var structure = new PlanStructure(module, plan);
    structure.checkDevices();
    var ends = structure.ends();
    var formats = structure.formats(ends);
    if (plan.devices().isEmpty()) {
      return plan;
    }
    var cluster = Cluster.of(plan);
    var options = new PlanOptions(objective(), count("context", 4096), count("batch", 1));
    var workload = new Workload(structure.liveness(), cluster, options);
    var pieces = new ArrayList<Piece>();
    var indices = cluster.indices();
    for (var stage : plan.stages()) {
      int from = pieces.isEmpty() ? 0 : pieces.getLast().to();
      pieces.add(
          new Piece(indices.getOrDefault(stage.device(), -1), from, ends.get(stage.index())));
    }
    refuseOverfull(workload, pieces);
    refuseUnlinked(cluster, pieces);
    var computed =
        new PlanWriter(workload, pieces, count("micro_batch", options.batch()), formats)
            .plan(plan.name(), OptionalDouble.empty());
    computed = recovering(computed);
    var unchanged = computed.withBound(plan.bound());
    return unchanged.equals(plan) ? plan : computed;
  }

  private Plan recovering(Plan computed) {
    var stages = new ArrayList<Stage>();
    for (var stage : computed.stages()) {
      var stated = plan.stages().get(stage.index()).attributes().get(RECOVER);
      stages.add(
          stated
              .map(value ->
                  new Stage(
                      stage.index(),
                      stage.device(),
                      stage.function(),
                      stage.through(),
                      stage.attributes().with(RECOVER, value),
                      stage.origin()))
              .orElse(stage));
    }
    return computed.withStages(stages);
  }

  private Objective objective() {
    if (plan.objective().isEmpty()) {
      return Objective.LATENCY;
    }
    var objective =
        Arrays.stream(Objective.values())
            .filter(each -> each.toString().equals(plan.objective()))
            .findFirst();
    var names = Arrays.stream(Objective.values()).map(Objective::toString).toList();
    return objective.orElseThrow(() ->
        Diagnostic.invalid(
                plan.origin().location(),
                "plan @" + plan.name() + " has an unknown objective '" + plan.objective() + "'",
                Suggestion.didYouMean(
                    plan.objective(), names, "it may be " + String.join(" or ", names)))
            .exception());
  }

  private int count(String key, int otherwise) {
    for (var stated : plan.expect().values().keySet()) {
      if (!EXPECTED.contains(stated)) {
        throw Diagnostic.invalid(
                plan.origin().location(),
                "plan @" + plan.name() + " expects an unknown '" + stated + "'",
                Suggestion.didYouMean(
                    stated, EXPECTED, "it may have " + String.join(", ", EXPECTED)))
            .exception();
      }
    }
    var value = plan.expect().get(key);
    if (value.isEmpty()) {
      return otherwise;
    }
    if (value.get() instanceof Quantity(double amount, Unit unit)
        && unit == Unit.NONE
        && amount >= 1
        && amount <= Integer.MAX_VALUE
        && amount == Math.rint(amount)) {
      return (int) amount;
    }
    throw Diagnostic.invalid(
            plan.origin().location(),
            "plan @" + plan.name() + " expects " + key + " = " + printed(value.get()),
            "write a whole number, at least 1")
        .exception();
  }

  private static String printed(PlanValue value) {
    return "'" + value + "'";
  }

  /** A device may run several stages, if all of them fit together. */
  private void refuseOverfull(Workload workload, List<Piece> pieces) {
    var devices = workload.cluster().devices();
    for (int d = 0; d < devices.size(); d++) {
      double weights = 0;
      double kv = 0;
      double activations = 0;
      var here = new ArrayList<Stage>();
      for (int i = 0; i < pieces.size(); i++) {
        if (pieces.get(i).device() == d) {
          var need = workload.footprint().need(pieces.get(i).from(), pieces.get(i).to());
          weights += need.weights();
          kv += need.kv();
          activations += need.activations();
          here.add(plan.stages().get(i));
        }
      }
      double total = weights + kv + activations;
      double memory = devices.get(d).memory();
      if (total > memory) {
        throw Diagnostic.infeasible(
                here.getFirst().origin().location(),
                here.stream().map(PlanStructure::title).collect(Collectors.joining(" and "))
                    + " on @"
                    + devices.get(d).name()
                    + (here.size() == 1 ? " needs " : " need ")
                    + Infeasible.bytes(total)
                    + " (weights "
                    + Infeasible.bytes(weights)
                    + " + KV "
                    + Infeasible.bytes(kv)
                    + " + activations "
                    + Infeasible.bytes(activations)
                    + "), but it has "
                    + Infeasible.bytes(memory)
                    + "; short by "
                    + Infeasible.bytes(total - memory),
                "move the cut, or state a smaller context or batch in expect")
            .exception();
      }
    }
  }

  private void refuseUnlinked(Cluster cluster, List<Piece> pieces) {
    var links = cluster.linkTable();
    for (int i = 0; i < pieces.size(); i++) {
      int next = (i + 1) % pieces.size();
      int from = pieces.get(i).device();
      int to = pieces.get(next).device();
      if (links[from][to].bandwidth() == 0) {
        throw Diagnostic.infeasible(
                plan.stages().get(i).origin().location(),
                "stage "
                    + i
                    + " on @"
                    + cluster.devices().get(from).name()
                    + " must send to stage "
                    + next
                    + " on @"
                    + cluster.devices().get(to).name()
                    + ", but there is no link",
                "add a link line, or link default { … }")
            .exception();
      }
    }
  }
}
