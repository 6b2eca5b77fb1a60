package org.fusionc.testsuite.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.fusionc.runtime.cluster.Recovery;
import org.fusionc.runtime.cluster.RunListener;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * For each stage of three and each position of a generation of 100 tokens: the stage's process is
 * killed there, or frozen, or its connections are cut. The ids are those of an undisturbed run.
 */
@Tag("chaos")
class EveryStepTest {
  private static final int STAGES = 3;
  private static final int PEERS = 5;
  private static final int TOKENS = Integer.getInteger("fusionc.chaos.tokens", 100);
  private static final Duration READY = Duration.ofSeconds(120);

  enum Blow {
    KILL,
    FREEZE,
    CUT
  }

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(Blow.class)
  void theIdsAreThoseOfAnUndisturbedRun(Blow blow) throws InterruptedException {
    var wrong = new ArrayList<String>();
    var recoveries = new ArrayList<Recovery>();
    int right = 0;
    try (var cluster = Cluster.start(folder)) {
      for (int i = 0; i < PEERS; i++) {
        cluster.peerBehindProxy("p" + i);
      }
      for (var peer : cluster.peers().values()) {
        Cluster.awaitJoined(peer);
      }
      var model = Repository.root().resolve("examples/shakespeare");
      try (var deployment = new Deployment(cluster.address(), model, STAGES, 2, "f32")) {
        var prompt = List.of(1, 40, 7, 19, 3, 25, 60, 11);
        var sampling = SamplingOptions.greedy();
        var expected = deployment.undisturbed(prompt, sampling, TOKENS);
        assertThat(expected).hasSize(TOKENS);
        try (var run = deployment.open(1, RunListener.none())) {
          for (int at = 0; at < TOKENS; at++) {
            for (int stage = 0; stage < STAGES; stage++) {
              deployment.awaitHolders(2, READY);
              int position = at;
              var victim = new String[1];
              var seen = new AtomicInteger();
              int which = stage;
              Runnable hit =
                  () -> {
                    victim[0] = run.peers().get(which);
                    strike(cluster, blow, victim[0]);
                  };
              if (position == 0 && run.peers().size() == STAGES) {
                hit.run();
              }
              var ids =
                  Deployment.generate(
                      run.engine(),
                      prompt,
                      sampling,
                      TOKENS,
                      id -> {
                        if (seen.incrementAndGet() == position) {
                          hit.run();
                        }
                        return true;
                      });
              if (ids.equals(expected)) {
                right++;
              } else {
                wrong.add("stage %d (%s) at %d: %s".formatted(stage, victim[0], at, ids));
              }
              if (victim[0] != null) {
                mend(cluster, blow, victim[0]);
              }
            }
            if (at % 10 == 9) {
              System.out.printf("%s: %d of %d%n", blow, right, (at + 1) * STAGES);
            }
          }
          recoveries.addAll(run.recoveries());
        }
      }
    }
    report(blow, right, recoveries);
    assertThat(wrong).isEmpty();
    assertThat(right).isEqualTo(STAGES * TOKENS);
    // Each blow was felt: a test in which nothing breaks shows nothing.
    assertThat(recoveries).hasSizeGreaterThanOrEqualTo(STAGES * (TOKENS - 2));
  }

  private void strike(Cluster cluster, Blow blow, String peer) {
    switch (blow) {
      case KILL -> cluster.runningPeer(peer).kill();
      case FREEZE -> cluster.runningPeer(peer).freeze();
      case CUT -> cluster.proxy(peer).cut();
    }
  }

  private void mend(Cluster cluster, Blow blow, String peer) {
    switch (blow) {
      case KILL -> cluster.peerBehindProxy(peer);
      case FREEZE -> cluster.runningPeer(peer).thaw();
      case CUT -> {}
    }
  }

  private static void report(Blow blow, int right, List<Recovery> recoveries) {
    var seconds = recoveries.stream().mapToDouble(Recovery::seconds).sorted().toArray();
    System.out.printf(
        "%s: %d of %d right; %d recoveries, median %.2f s, longest %.2f s; stated %.2f s%n",
        blow,
        right,
        STAGES * TOKENS,
        seconds.length,
        seconds.length == 0 ? 0 : seconds[seconds.length / 2],
        Arrays.stream(seconds).max().orElse(0),
        recoveries.stream().mapToDouble(Recovery::expectedSeconds).max().orElse(0));
  }
}
