package org.fusionc.partitioner.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.fusionc.partitioner.simulate.PipelineSimulator;
import org.junit.jupiter.api.Test;

/** What the search says of a plan is what happens when the plan runs, event by event. */
class SimulatedPlansTest {
  @Test
  void predictedLatencyAndPeriodAreObserved() {
    int several = 0;
    for (int seed = 0; seed < 150; seed++) {
      var random = new RandomInstances(seed);
      var problem = RandomInstances.problem(random.chain(8), random.cluster(4), 1);
      int inFlight = 1 + seed % 6;
      var goal = new Goal.Period(inFlight);
      var found = Search.best(problem, goal, Double.POSITIVE_INFINITY);
      if (found.pieces().isEmpty()) {
        continue;
      }
      var pieces = found.pieces().get();
      var servers = PipelineSimulator.servers(problem.costs(), pieces);
      var observed = PipelineSimulator.run(servers, inFlight, 400);
      double latency = problem.latency(pieces);
      assertThat(observed.firstStep())
          .as("seed %d", seed)
          .isCloseTo(latency, within(1e-9 * latency));
      assertThat(observed.period())
          .as("seed %d", seed)
          .isCloseTo(found.value(), within(0.02 * found.value()));
      several += pieces.size() > 1 ? 1 : 0;
    }
    assertThat(several).as("plans of several stages").isGreaterThan(20);
  }
}
