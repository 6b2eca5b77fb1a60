package org.fusionc.testsuite.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RunOptions;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.model.ModelSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
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

  /** Nobody wanted anything for longer than an answer may take: the next answer is not late. */
  @Test
  void aRunThatHasBeenIdleIsNotTakenForBroken() {
    try (var run = run(1)) {
      assertThat(ids(run)).isEqualTo(expected);
      pause(3200);
      run.peers.forEach(peer -> peer.proxy().delay(60));
      var session =
          run.coordinator.submit(
              REQUEST,
              id -> {
                run.peers.forEach(peer -> peer.proxy().delay(0));
                return true;
              });
      assertThat(session.await().ids()).isEqualTo(expected);
      assertThat(run.recoveries).isEmpty();
    }
  }

  @Test
  void aStageIsKilled() {
    try (var run = run(2)) {
      run.at(8, () -> run.holder(1).kill());
      assertThat(ids(run)).isEqualTo(expected);
      assertThat(run.recoveries).isNotEmpty();
    }
  }

  @Test
  void everyStageIsKilledInTurnInPrefillAndInDecode() {
    killed(0, 1);
    killed(1, 2);
    killed(2, 11);
  }

  @Test
  @Tag("chaos")
  void everyStageIsKilledAtEveryFrame() {
    for (int stage = 0; stage < 3; stage++) {
      for (int frame = 0; frame < 26; frame++) {
        killed(stage, frame);
      }
    }
  }

  private void killed(int stage, int frame) {
    try (var run = run(2)) {
      run.at(frame, () -> run.peers.get(stage).kill());
      assertThat(ids(run)).as("stage %d before frame %d", stage, frame).isEqualTo(expected);
    }
    closePeers();
    peers.clear();
  }

  @Test
  void aHungStageIsLeft() {
    hung(1, 6);
  }

  @Test
  @Tag("chaos")
  void everyStageHangsAtManyFrames() {
    for (int stage = 0; stage < 3; stage++) {
      for (int frame = 0; frame < 26; frame += 5) {
        hung(stage, frame);
      }
    }
  }

  private void hung(int stage, int frame) {
    try (var run = run(2)) {
      run.at(frame, () -> run.peers.get(stage).proxy().freeze());
      assertThat(ids(run)).as("stage %d before frame %d", stage, frame).isEqualTo(expected);
    }
    closePeers();
    peers.clear();
  }

  @Test
  void aConnectionThatIsCutIsTakenUpAgainWithoutReplay() {
    for (int stage = 0; stage < 3; stage++) {
      try (var run = run(1)) {
        int lost = stage;
        run.at(6, () -> run.holder(lost).proxy().cut());
        run.at(9, () -> run.holder(lost).proxy().cut());
        assertThat(ids(run)).as("stage %d", stage).isEqualTo(expected);
      }
      closePeers();
      peers.clear();
    }
  }

  @Test
  void severalStagesDieAtOnce() {
    for (var dead : List.of(List.of(1, 2), List.of(0, 2), List.of(0, 1, 2))) {
      try (var run = run(2)) {
        run.at(7, () -> dead.forEach(stage -> run.peers.get(stage).kill()));
        assertThat(ids(run)).as("stages %s", dead).isEqualTo(expected);
      }
      closePeers();
      peers.clear();
    }
  }

  @Test
  void theStandbyDiesAsWell() {
    try (var run = run(3)) {
      run.at(
          7,
          () -> {
            run.peers.get(1).kill();
            run.peers.get(4).proxy().killAfter(2000);
            run.peers.get(2).proxy().killAfter(3000);
          });
      assertThat(ids(run)).isEqualTo(expected);
    }
  }

  @Test
  void capacityComesBack() throws Exception {
    try (var run = run(1)) {
      run.at(7, () -> run.peers.get(1).kill());
      var session = run.coordinator.submit(REQUEST, id -> true);
      while (run.notices.isEmpty()) {
        Thread.sleep(10);
      }
      assertThat(run.notices.getFirst()).contains("stage 1 has no peer", "up to 20 s");
      var now = new ArrayList<>(run.peers);
      now.add(peer("late", 1));
      now.get(1).ready(false);
      run.update(three, now);
      assertThat(session.await().ids()).isEqualTo(expected);
      assertThat(run.recoveries).anyMatch(r -> r.to().equals("late"));
      assertThat(run.notices.getLast()).isEqualTo("every stage has a peer again");
    }
  }

  @Test
  void framesFailAfterTheDeadlineAndNewSessionsTryAgain() {
    for (int stage = 0; stage < 3; stage++) {
      peer("p" + stage, stage);
    }
    var options = options().withDeadline(Duration.ofSeconds(2));
    try (var run = new Run(three, peers, source.context(), options)) {
      run.at(7, () -> run.peers.get(1).kill());
      assertThatThrownBy(() -> ids(run))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("stage 1 has no peer");
      var now = new ArrayList<>(run.peers);
      now.add(peer("late", 1));
      run.update(three, now);
      assertThat(ids(run)).isEqualTo(expected);
    }
  }

  @Test
  void sessionsOfARemovedDeploymentGoOnUntilAStageIsLostAndAreThenTold() {
    try (var run = run(1)) {
      run.at(7, run.pipeline::removed);
      assertThat(ids(run)).isEqualTo(expected);
      run.at(30, () -> run.peers.get(1).kill());
      assertThatThrownBy(() -> ids(run))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("it has been removed from the cluster, and stage 1 has no peer");
    }
  }

  @Test
  void aDrainingPeerIsLeftBeforeItGoes() {
    try (var run = run(2)) {
      run.at(7, () -> run.holder(1).drain());
      run.at(
          20,
          () -> {
            awaitRecovery(run);
          });
      assertThat(ids(run)).isEqualTo(expected);
      assertThat(run.recoveries).anyMatch(r -> r.cause() == Recovery.Cause.DRAINED);
    }
  }

  private static void awaitRecovery(Run run) {
    for (int i = 0; i < 500 && run.recoveries.isEmpty(); i++) {
      pause(10);
    }
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void anotherPlanTakesOverInTheMiddle() {
    var two = Example.cut(source, 2);
    try (var run = run(1)) {
      var others = new ArrayList<Peer>();
      for (int stage = 0; stage < 2; stage++) {
        others.add(new Peer("q" + stage, List.of(Example.segment(source, two, stage))));
      }
      peers.addAll(others);
      run.at(6, () -> run.update(two, others));
      run.at(12, () -> pause(300));
      assertThat(ids(run)).isEqualTo(expected);
      assertThat(run.recoveries).anyMatch(r -> r.cause() == Recovery.Cause.RE_PLANNED);
      assertThat(run.pipeline.peers()).containsExactly("q0", "q1");
    }
  }

  @Test
  void onePeerMayHoldAllStages() {
    peer("all", 0, 1, 2);
    peer("other", 0, 1, 2);
    try (var run = new Run(three, peers, source.context(), options())) {
      run.at(9, () -> run.peers.getFirst().kill());
      assertThat(ids(run)).isEqualTo(expected);
    }
  }

  @Test
  void manySessionsGoOn() {
    var requests = new ArrayList<Request>();
    for (int i = 0; i < 12; i++) {
      requests.add(Example.request(i, 5 + 7 * i, 20));
    }
    var alone = new ArrayList<List<Integer>>();
    try (var engine = Example.engine(source)) {
      requests.forEach(request -> alone.add(Example.ids(engine, request)));
    }
    try (var run = run(3)) {
      run.at(20, () -> run.peers.get(0).kill());
      run.at(40, () -> run.peers.get(4).proxy().cut());
      run.at(60, () -> run.peers.get(2).kill());
      run.at(80, () -> run.peers.get(1).proxy().freeze());
      var sessions = requests.stream().map(r -> run.coordinator.submit(r, id -> true)).toList();
      for (int i = 0; i < sessions.size(); i++) {
        assertThat(sessions.get(i).await().ids()).as("session %d", i).isEqualTo(alone.get(i));
      }
    }
  }

  @Test
  void aCoordinatorThatIsClosedMeanwhileEndsItsSessions() {
    var run = run(1);
    run.at(7, () -> run.peers.get(1).kill());
    var session = run.coordinator.submit(REQUEST, id -> true);
    while (run.notices.isEmpty()) {
      pause(10);
    }
    run.close();
    assertThatThrownBy(session::await).isInstanceOf(RuntimeException.class);
  }

  @Test
  @Tag("chaos")
  void connectionsDieAtAnyByte() {
    for (int bytes = 0; bytes < 60_000; bytes += 2_500) {
      try (var run = run(3)) {
        long after = bytes;
        run.at(0, () -> run.peers.get((int) (after / 2500 % 3)).proxy().killAfter(after));
        assertThat(ids(run)).as("after %d bytes", bytes).isEqualTo(expected);
      }
      closePeers();
      peers.clear();
    }
  }
}
