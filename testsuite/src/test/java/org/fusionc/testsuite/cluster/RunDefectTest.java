package org.fusionc.testsuite.cluster;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.cluster.DeploymentState;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RemotePipeline;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.cluster.RunOptions;
import org.fusionc.runtime.exec.Coordinator;
import org.fusionc.runtime.net.Transport;
import org.junit.jupiter.api.Test;

/** What ends a run that nobody has ended. */
class RunDefectTest {
  private static final class Failing implements RunListener {
    @Override
    public void notice(String message) {
      throw new IllegalStateException("nobody is to hear this");
    }

    @Override
    public void recovered(Recovery recovery) {}
  }

  @Test
  void sessionsAreToldOfADefectAndNotThatTheyWereCancelled() {
    try (var source = Example.open()) {
      var cut = Example.cut(source, 1);
      // Nobody has the stage, which the listener hears of.
      var state = DeploymentState.of(Run.view(cut, List.of())).orElseThrow();
      var pipeline =
          new RemotePipeline(
              state, "ids", RunOptions.of(Example.PAGES), Transport.plain(), new Failing());
      var limits =
          new Coordinator.Limits(
              source.context(),
              Example.PAGES,
              Example.PAGE_TOKENS,
              16,
              Example.VOCABULARY,
              Long.MAX_VALUE);
      try (var coordinator = new Coordinator(pipeline, limits)) {
        for (int i = 0; i < 2; i++) {
          var session = coordinator.submit(Example.request(i, 3, 4), id -> true);
          assertThatThrownBy(session::await)
              .isInstanceOf(DiagnosticException.class)
              .hasMessageContaining("a defect of this process")
              .hasMessageContaining("nobody is to hear this");
        }
      }
    }
  }
}
