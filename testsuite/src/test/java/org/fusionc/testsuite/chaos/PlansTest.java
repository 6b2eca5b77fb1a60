package org.fusionc.testsuite.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.proto.Speed;
import org.fusionc.runtime.proto.StageHolder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Another plan, another broker, and what peers have on their disks. */
@Tag("chaos")
class PlansTest {
  private static final String SNUG = "4MiB";

  @TempDir private Path folder;

  @Test
  void aBetterPlanIsFollowedInTheMidstOfASession() throws Exception {
    try (var cluster = Cluster.start(folder, "--replan-rest", "2")) {
      slow("a");
      slow("b");
      cluster.peer("a");
      cluster.peer("b");
      cluster.peers().values().forEach(Cluster::awaitJoined);
      try (var deployment = new Deployment(cluster.address(), Talk.model(), 0, 2, "f32")) {
        var talk = Talk.of(deployment);
        var before = deployment.view().getPlanDigest();
        try (var run = deployment.open(1, RunListener.none())) {
          var ids =
              talk.disturbed(run, () -> cluster.peer("fast"), () -> run.peers().contains("fast"));
          assertThat(ids).isEqualTo(talk.expected());
          assertThat(deployment.view().getPlanDigest()).isNotEqualTo(before);
          assertThat(run.recoveries())
              .isNotEmpty()
              .allMatch(recovery -> recovery.cause() == Recovery.Cause.RE_PLANNED);
          assertThat(talk.plain(run)).isEqualTo(talk.expected());
        }
      }
    }
  }

  /** Has a peer believe that its machine is slow; it does not measure while it is in use. */
  private void slow(String peer) throws IOException {
    var speed = Speed.newBuilder().setBandwidth(1e6).putFlops("f32", 1e6).putFlops("bf16", 1e6);
    var data = Files.createDirectories(folder.resolve(peer));
    Files.write(data.resolve("speed-1"), speed.build().toByteArray());
  }

  @Test
  void aPeersDiskHasTheBlobsOfItsOwnStageOnly() throws Exception {
    try (var cluster = Cluster.start(folder)) {
      for (int i = 0; i < 3; i++) {
        cluster.peer("p" + i, "--memory", SNUG);
      }
      cluster.peers().values().forEach(Cluster::awaitJoined);
      try (var deployment = new Deployment(cluster.address(), Talk.model(), 3, 1, "f32");
          var run = deployment.open(1, RunListener.none())) {
        var talk = Talk.of(deployment);
        assertThat(talk.plain(run)).isEqualTo(talk.expected());
        assertThat(deployment.view().getStagesList())
            .allMatch(stage -> stage.getHoldersCount() == 1);
        assertThat(
                deployment.view().getStagesList().stream()
                    .map(stage -> stage.getHolders(0))
                    .map(StageHolder::getPeer))
            .containsExactlyInAnyOrder("p0", "p1", "p2");
        long model = Files.size(Talk.model().resolve("model.safetensors"));
        long all = 0;
        for (var peer : cluster.peers().keySet()) {
          long bytes = weights(folder.resolve(peer));
          assertThat(bytes).as(peer).isPositive().isLessThan(model * 2 / 3);
          all += bytes;
        }
        // Each weight is somewhere; the embedding is also the last layer's, and may be there twice.
        assertThat(all).isBetween(model * 9 / 10, model * 3 / 2);
      }
    }
  }

  /** The bytes of blobs, without those that every peer has: the module, tokenizer and the like. */
  private static long weights(Path data) throws IOException {
    try (var files = Files.walk(data.resolve("blobs"))) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @Test
  void anotherBrokerTakesOverWhatEtcdKeeps() throws Exception {
    try (var etcd = Etcd.start(folder)) {
      try (var cluster = Cluster.start(folder, "--store", etcd.store())) {
        var other = cluster.standIn();
        for (int i = 0; i < 3; i++) {
          cluster.peer("p" + i);
        }
        cluster.peers().values().forEach(Cluster::awaitJoined);
        try (var deployment = new Deployment(cluster.address(), Talk.model(), 3, 1, "f32")) {
          var talk = Talk.of(deployment);
          var before = deployment.view();
          other.await("deployment .*: \\d+ blobs copied", Talk.LONG);
          try (var run = deployment.open(1, RunListener.none())) {
            assertThat(talk.disturbed(run, cluster.broker()::kill)).isEqualTo(talk.expected());
            for (var joined : cluster.peers().values()) {
              joined.await("joined \\S+ again", Talk.LONG);
            }
            other.await("leads: 3 peers and 1 deployments", Talk.LONG);
            assertThat(deployment.view().getPlanDigest()).isEqualTo(before.getPlanDigest());
            // Whom the new leader appoints, the run hears of.
            deployment.awaitHolders(2, Talk.LONG);
            var lost = run.peers().get(1);
            var ids = talk.disturbed(run, cluster.runningPeer(lost)::kill);
            assertThat(ids).isEqualTo(talk.expected());
            assertThat(run.peers()).doesNotContain(lost);
            // A newcomer has nobody to ask for a stage that no peer has but the new leader.
            cluster.peers().values().forEach(Program::kill);
            for (int i = 0; i < 3; i++) {
              cluster.peer("newcomer" + i);
            }
            Talk.await("the newcomers hold the stages", () -> held(deployment, "newcomer"));
            assertThat(talk.plain(run)).isEqualTo(talk.expected());
          }
        }
      }
    }
  }

  private static boolean held(Deployment deployment, String name) {
    return deployment.view().getStagesList().stream()
        .allMatch(stage ->
            stage.getHoldersList().stream()
                .anyMatch(holder -> holder.getReady() && holder.getPeer().startsWith(name)));
  }
}
