package org.fusionc.partitioner;

import java.util.List;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cost.Costs;
import org.fusionc.partitioner.cost.Footprint;
import org.fusionc.partitioner.cost.FunctionChain;
import org.fusionc.partitioner.cost.Liveness;
import org.fusionc.partitioner.cost.Step;
import org.fusionc.partitioner.solve.Problem;

/** A function to be run on a cluster for a stated context and batch: what its plans cost. */
final class Workload {
  /** A token's id, sent back to the first stage. */
  private static final double TOKEN_BYTES = 4;

  private final FunctionChain chain;
  private final Cluster cluster;
  private final PlanOptions options;
  private final Footprint footprint;
  private final Costs prefill;

  Workload(Liveness liveness, Cluster cluster, PlanOptions options) {
    chain = new FunctionChain(liveness);
    this.cluster = cluster;
    this.options = options;
    var prefillStep = Step.prefill(options.prefillTokens(), options.context());
    footprint =
        new Footprint(
            chain,
            options.context(),
            options.batch(),
            List.of(Step.decode(options.batch(), options.context()), prefillStep));
    prefill = new Costs(chain, cluster, prefillStep, TOKEN_BYTES);
  }

  FunctionChain chain() {
    return chain;
  }

  Cluster cluster() {
    return cluster;
  }

  PlanOptions options() {
    return options;
  }

  Footprint footprint() {
    return footprint;
  }

  Costs prefill() {
    return prefill;
  }

  /** Costs of one decoding step of {@code sequences} sequences. */
  Costs decode(int sequences) {
    return new Costs(chain, cluster, Step.decode(sequences, options.context()), TOKEN_BYTES);
  }

  Problem problem(int sequences) {
    return new Problem(decode(sequences), footprint, cluster);
  }
}
