package org.fusionc.testsuite.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fusionc.runtime.cluster.RunOptions;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.Session;
import org.fusionc.runtime.exec.TokenListener;
import org.junit.jupiter.api.Test;

/** Many sessions that want all logits, which must not come back in one message. */
class WholeLogitsTest {
  private static final int SESSIONS = 7;

  @Test
  void framesBringBackNoMoreThanAMessageHolds() {
    try (var source = Example.open()) {
      var alone = new ArrayList<List<Integer>>();
      try (var engine = Example.engine(source)) {
        for (int i = 0; i < SESSIONS; i++) {
          alone.add(Example.ids(engine, Example.request(i, 2, 8)));
        }
      }
      var cut = Example.cut(source, 1);
      var peer = new Peer("one", List.of(Example.segment(source, cut, 0)));
      long most = 3L * Example.VOCABULARY;
      try (peer;
          var run =
              new Run(
                  cut, List.of(peer), source.context() / 4, RunOptions.of(Example.PAGES), most)) {
        var sessions = new ArrayList<Session>();
        for (int i = 0; i < SESSIONS; i++) {
          var plain = Example.request(i, 2, 8);
          // All but one with probabilities, which need all logits.
          var request =
              new Request(
                  plain.prompt(),
                  plain.sampling(),
                  plain.maxTokens(),
                  plain.stopIds(),
                  i == 0 ? -1 : 2);
          sessions.add(run.coordinator.submit(request, (TokenListener) id -> true));
        }
        for (int i = 0; i < SESSIONS; i++) {
          assertThat(sessions.get(i).await().ids()).as("session %d", i).isEqualTo(alone.get(i));
        }
        assertThat(run.wanted)
            .allSatisfy(enough ->
                assertThat(Arrays.stream(enough).filter(wanted -> wanted == 0).count())
                    .isLessThanOrEqualTo(3))
            .anySatisfy(enough -> assertThat(enough).hasSizeGreaterThan(1));
      }
    }
  }
}
