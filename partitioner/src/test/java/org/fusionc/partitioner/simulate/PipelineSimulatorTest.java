package org.fusionc.partitioner.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.fusionc.partitioner.simulate.PipelineSimulator.Server;
import org.junit.jupiter.api.Test;

class PipelineSimulatorTest {
  @Test
  void oneStepTakesTheSum() {
    var servers = List.of(new Server(2, 0), new Server(1, 5), new Server(3, 0), new Server(0, 4));
    assertThat(PipelineSimulator.run(servers, 1, 4))
        .isEqualTo(new PipelineSimulator.Observed(15, 15));
  }

  @Test
  void fewInFlightAreBoundByTheWayRoundAndManyByTheBusiest() {
    var servers = List.of(new Server(2, 0), new Server(1, 5), new Server(3, 0), new Server(0, 4));
    assertThat(PipelineSimulator.run(servers, 2, 100).period()).isCloseTo(7.5, within(1e-9));
    assertThat(PipelineSimulator.run(servers, 50, 100).period()).isCloseTo(3, within(1e-9));
  }

  /** period = max(busiest, way round / in flight): what the planner's throughput goal minimises. */
  @Test
  void thePlannersFormulaHolds() {
    var random = new Random(3);
    for (int seed = 0; seed < 300; seed++) {
      var servers = new ArrayList<Server>();
      double sum = 0;
      double busiest = 0;
      for (int i = 0; i < 2 + random.nextInt(6); i++) {
        var server = new Server(random.nextInt(1, 20), random.nextInt(3) * random.nextInt(30));
        servers.add(server);
        sum += server.busy() + server.delay();
        busiest = Math.max(busiest, server.busy());
      }
      int inFlight = 1 + random.nextInt(12);
      double expected = Math.max(busiest, sum / inFlight);
      var observed = PipelineSimulator.run(servers, inFlight, 400);
      assertThat(observed.period())
          .as("%s, %d", servers, inFlight)
          .isCloseTo(expected, within(expected * 0.02));
      assertThat(observed.firstStep()).isEqualTo(sum);
    }
  }
}
