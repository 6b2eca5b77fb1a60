package org.fusionc.testsuite.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.runtime.cluster.RunOptions;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.model.ModelSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Stages that are lost in every way: the tokens are those of one process. */
class RecoveryTest {
  private static final Request REQUEST = Example.request(4, 40, 24);

  private static ModelSource source;
  private static Example.Cut three;
  private static List<Integer> expected;

  private final List<Peer> peers = new ArrayList<>();

  @BeforeAll
  static void undisturbed() {
    source = Example.open();
    three = Example.cut(source, 3);
    try (var engine = Example.engine(source)) {
      expected = Example.ids(engine, REQUEST);
    }
  }

  @AfterAll
  static void closeSource() {
    source.close();
  }

  @AfterEach
  void closePeers() {
    peers.forEach(Peer::close);
  }

  private Peer peer(String name, int... stages) {
    var segments = new ArrayList<org.fusionc.runtime.stage.Segment>();
    for (int stage : stages) {
      segments.add(Example.segment(source, three, stage));
    }
    var peer = new Peer(name, segments);
    peers.add(peer);
    return peer;
  }

  /** One peer per stage, and another for each. */
  private Run run(int copies) {
    for (int copy = 0; copy < copies; copy++) {
      for (int stage = 0; stage < 3; stage++) {
        peer("p" + stage + "abc".charAt(copy), stage);
      }
    }
    return new Run(three, peers, source.context(), options());
  }

  private static RunOptions options() {
    return RunOptions.of(Example.PAGES).withDeadline(Duration.ofSeconds(20));
  }

  private static List<Integer> ids(Run run) {
    return run.coordinator.submit(REQUEST, id -> true).await().ids();
  }

  @Test
  void nothingHappens() {
    try (var run = run(1)) {
      assertThat(ids(run)).isEqualTo(expected);
    }
  }

  @Test
  void aStageIsKilled() {
    try (var run = run(2)) {
      run.at(8, () -> run.peers.get(1).kill());
      assertThat(ids(run)).isEqualTo(expected);
      assertThat(run.recoveries).isNotEmpty();
    }
  }
}
