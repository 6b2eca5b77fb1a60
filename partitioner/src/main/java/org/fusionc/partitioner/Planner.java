package org.fusionc.partitioner;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.plan.Plan;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cost.Liveness;
import org.fusionc.partitioner.solve.EvenSearch;
import org.fusionc.partitioner.solve.Goal;
import org.fusionc.partitioner.solve.Piece;
import org.fusionc.partitioner.solve.Search;

/** Finds the plan that runs a module's {@code @decode} best on a cluster. */
public final class Planner {
  /** The function that a plan cuts. */
  public static final String FUNCTION = "decode";

  /** The name of the plans that it makes. */
  private static final String NAME = "main";

  private Planner() {}

  /**
   * The best plan that can be found; its {@code bound} says how far from the optimum it can be.
   *
   * @param module with a function {@code @decode}, best after the optimising passes
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if no plan fits the memory; says what is
   *     short by how much
   */
  public static Plan plan(Module module, Cluster cluster, PlanOptions options) {
    var function = module.functions().get(FUNCTION);
    if (function == null) {
      throw Diagnostic.invalid(
              Location.unknown(),
              "the module has no function @" + FUNCTION,
              "plan an imported model")
          .exception();
    }
    var workload = new Workload(new Liveness(function), cluster, options);
    if (workload.chain().size() == 0) {
      throw Diagnostic.invalid(
              Location.unknown(), "@" + FUNCTION + " computes nothing", "plan an imported model")
          .exception();
    }
    if (options.stages() > 0) {
      return even(workload);
    }
    return switch (options.objective()) {
      case LATENCY -> latency(workload);
      case THROUGHPUT -> throughput(workload);
    };
  }

  private static Plan even(Workload workload) {
    int stages = workload.options().stages();
    int batch = workload.options().batch();
    int devices = workload.cluster().devices().size();
    if (stages > devices) {
      throw Diagnostic.infeasible(
              Location.unknown(),
              stages + " stages were asked for, but there are " + devices + " devices",
              "ask for fewer stages, or add devices")
          .exception();
    }
    var pieces =
        new EvenSearch(workload.problem(batch), stages)
            .best()
            .orElseThrow(() ->
                Diagnostic.infeasible(
                        Location.unknown(),
                        "no plan of exactly " + stages + " stages fits the devices' memory",
                        "ask for another number of stages, or for less context or batch")
                    .exception());
    return new PlanWriter(workload, pieces, batch).plan(NAME, OptionalDouble.empty());
  }

  private static Plan latency(Workload workload) {
    int batch = workload.options().batch();
    var found = Search.best(workload.problem(batch), new Goal.Latency(), Double.POSITIVE_INFINITY);
    var pieces = found.pieces().orElseThrow(() -> new Infeasible(workload).explain().exception());
    return new PlanWriter(workload, pieces, batch)
        .plan(NAME, bound(found.value() / found.lowerBound()));
  }

  /** A bound of 1.0000003 is rounding: say 1. */
  private static OptionalDouble bound(double ratio) {
    return OptionalDouble.of(Math.max(1, Math.rint(ratio * 1000) / 1000));
  }

  /** Tries the ways to split the batch into micro-batches of equal size: powers of two. */
  private static Plan throughput(Workload workload) {
    int batch = workload.options().batch();
    Optional<List<Piece>> best = Optional.empty();
    int bestSize = batch;
    double perToken = Double.POSITIVE_INFINITY;
    double lowest = Double.POSITIVE_INFINITY;
    for (int size : sizes(batch)) {
      var goal = new Goal.Period((double) batch / size);
      var found = Search.best(workload.problem(size), goal, perToken * size);
      lowest = Math.min(lowest, found.lowerBound() / size);
      if (found.pieces().isPresent()) {
        best = found.pieces();
        bestSize = size;
        perToken = found.value() / size;
      }
    }
    var pieces = best.orElseThrow(() -> new Infeasible(workload).explain().exception());
    return new PlanWriter(workload, pieces, bestSize).plan(NAME, bound(perToken / lowest));
  }

  /** The batch, then its divisors of the form batch / 2^k, at most eight. */
  private static int[] sizes(int batch) {
    return IntStream.iterate(batch, size -> size >= 1, size -> size % 2 == 0 ? size / 2 : 0)
        .limit(8)
        .toArray();
  }
}
