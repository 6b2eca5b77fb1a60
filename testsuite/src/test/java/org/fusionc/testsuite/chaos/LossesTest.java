package org.fusionc.testsuite.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.proto.PeerStatus;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a long generation when the broker, or a peer, goes or comes. */
@Tag("chaos")
class LossesTest {
  /**
   * Room for one of three stages of the example, with its caches for one session of 512 positions,
   * and not for one of two: nobody can stand by, nor can two do the work of three.
   */
  private static final String SNUG = "4MiB";

  @TempDir private Path folder;

  @Test
  void theBrokerIsNotNeededForTokensAndKnowsEverythingAfterItsRestart() throws Exception {
    try (var cluster = cluster(4);
        var deployment = new Deployment(cluster.address(), Talk.model(), 3, 2, "f32")) {
      var talk = Talk.of(deployment);
      deployment.awaitHolders(2, Talk.LONG);
      var name = deployment.view().getName();
      String lost;
      try (var run = deployment.open(1, RunListener.none())) {
        assertThat(talk.disturbed(run, cluster.broker()::kill)).isEqualTo(talk.expected());
        assertThat(cluster.broker().isAlive()).isFalse();
        assertThat(run.recoveries()).isEmpty();
        // A stage's peer dies where nobody can appoint another: its standby is known already.
        lost = run.peers().get(1);
        assertThat(talk.disturbed(run, () -> cluster.runningPeer(lost).kill()))
            .isEqualTo(talk.expected());
        assertThat(run.peers()).doesNotContain(lost);
        cluster.restartBroker();
        Talk.await("the broker can be reached", () -> answers(deployment));
        Talk.await("the peers are here again", () -> alive(deployment) == 3);
        Talk.await("the lost one is noticed", () -> isLost(deployment, lost));
        deployment.awaitHolders(2, Talk.LONG);
        assertThat(talk.plain(run)).isEqualTo(talk.expected());
      }
      assertThat(deployment.view().getName()).isEqualTo(name);
      // Its blobs are there: a newcomer without any gets them, if need be from the broker.
      cluster.peer("newcomer");
      Cluster.awaitJoined(cluster.runningPeer("newcomer"));
      try (var again = deployment.open(1, RunListener.none())) {
        assertThat(talk.plain(again)).isEqualTo(talk.expected());
      }
    }
  }

  @Test
  void aPeerThatIsToLeaveHandsOverInTheMidstOfASession() throws Exception {
    try (var cluster = cluster(4);
        var deployment = new Deployment(cluster.address(), Talk.model(), 3, 2, "f32")) {
      var talk = Talk.of(deployment);
      deployment.awaitHolders(2, Talk.LONG);
      try (var run = deployment.open(1, RunListener.none())) {
        assertThat(talk.plain(run)).isEqualTo(talk.expected());
        for (int stage = 0; stage < 2; stage++) {
          var name = run.peers().get(stage);
          var peer = cluster.runningPeer(name);
          var ids = talk.disturbed(run, peer::terminate, () -> !peer.isAlive());
          assertThat(ids).isEqualTo(talk.expected());
          assertThat(peer.awaitEnd(Talk.LONG)).as(peer.output()).isZero();
          assertThat(run.peers()).doesNotContain(name);
        }
        assertThat(run.recoveries())
            .isNotEmpty()
            .allMatch(r -> r.cause() != Recovery.Cause.KILLED && r.cause() != Recovery.Cause.HUNG);
      }
    }
  }

  /** It answers all the time, if late; its frames take many times as long as they did. */
  @Test
  void aStageThatIsSlowedToACrawlIsLeft() throws Exception {
    try (var cluster = cluster(4);
        var deployment = new Deployment(cluster.address(), Talk.model(), 3, 2, "f32")) {
      var talk = Talk.of(deployment);
      var prompt = IntStream.range(0, 400).map(i -> 1 + 37 * i % 1000).boxed().toList();
      var greedy = SamplingOptions.greedy();
      var expected = deployment.undisturbed(prompt, greedy, 4);
      deployment.awaitHolders(2, Talk.LONG);
      try (var run = deployment.open(1, RunListener.none())) {
        assertThat(talk.plain(run)).isEqualTo(talk.expected());
        var slow = run.peers().get(1);
        long end = System.nanoTime() + Talk.LONG.toNanos();
        try (var _ = cluster.runningPeer(slow).crawl()) {
          while (run.peers().contains(slow)) {
            assertThat(System.nanoTime()).as("still on %s: %s", slow, run.peers()).isLessThan(end);
            assertThat(Deployment.generate(run.engine(), prompt, greedy, 4, id -> true))
                .isEqualTo(expected);
          }
          assertThat(talk.plain(run)).isEqualTo(talk.expected());
        }
        assertThat(run.recoveries())
            .anyMatch(r ->
                r.from().equals(slow)
                    && (r.cause() == Recovery.Cause.SLOW || r.cause() == Recovery.Cause.HUNG));
        assertThat(talk.plain(run)).isEqualTo(talk.expected());
      }
    }
  }

  @Test
  void aSessionWaitsForAPeerThatCanHoldTheStageAndGoesOn() throws Exception {
    try (var cluster = Cluster.start(folder)) {
      join(cluster, 3, SNUG);
      try (var deployment = new Deployment(cluster.address(), Talk.model(), 3, 1, "f32")) {
        var talk = Talk.of(deployment);
        var notices = new CopyOnWriteArrayList<String>();
        try (var run = deployment.open(1, listener(notices))) {
          var ids =
              talk.disturbed(
                  run,
                  () -> {
                    cluster.runningPeer(run.peers().get(1)).kill();
                    Thread.ofVirtual()
                        .start(() -> {
                          Talk.await(
                              "it says that it waits",
                              () -> notices.stream().anyMatch(n -> n.contains("waiting")));
                          cluster.peer("late", "--memory", SNUG);
                        });
                  });
          assertThat(ids).isEqualTo(talk.expected());
          assertThat(run.peers().get(1)).isEqualTo("late");
          assertThat(notices).anyMatch(n -> n.startsWith("stage 1 has no peer: waiting"));
        }
      }
    }
  }

  @Test
  void aSessionThatNobodyComesForFailsAtItsDeadline() throws Exception {
    try (var cluster = Cluster.start(folder)) {
      join(cluster, 3, SNUG);
      try (var deployment = new Deployment(cluster.address(), Talk.model(), 3, 1, "f32")) {
        var talk = Talk.of(deployment);
        try (var run = deployment.open(1, Duration.ofSeconds(30), RunListener.none())) {
          assertThatThrownBy(
                  () -> talk.disturbed(run, () -> cluster.runningPeer(run.peers().get(1)).kill()))
              .hasStackTraceContaining("stage 1");
        }
      }
    }
  }

  private Cluster cluster(int peers) {
    var cluster = Cluster.start(folder);
    join(cluster, peers, "400MiB");
    return cluster;
  }

  private static void join(Cluster cluster, int peers, String memory) {
    for (int i = 0; i < peers; i++) {
      cluster.peer("p" + i, "--memory", memory);
    }
    cluster.peers().values().forEach(Cluster::awaitJoined);
  }

  private static RunListener listener(List<String> notices) {
    return new RunListener() {
      @Override
      public void notice(String message) {
        notices.add(message);
      }

      @Override
      public void recovered(Recovery recovery) {
        notices.add(recovery.toString());
      }
    };
  }

  /** A client that was refused a connection tries again only some time later. */
  private static boolean answers(Deployment deployment) {
    try {
      return deployment.client().status().getLeader();
    } catch (DiagnosticException notYet) {
      return false;
    }
  }

  private static long alive(Deployment deployment) {
    return peers(deployment).stream().filter(peer -> peer.getState().equals("alive")).count();
  }

  private static boolean isLost(Deployment deployment, String name) {
    return peers(deployment).stream()
        .anyMatch(peer -> peer.getName().equals(name) && peer.getState().equals("lost"));
  }

  private static List<PeerStatus> peers(Deployment deployment) {
    return deployment.client().status().getPeersList();
  }
}
