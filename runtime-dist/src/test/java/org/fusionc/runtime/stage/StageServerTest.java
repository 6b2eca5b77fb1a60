package org.fusionc.runtime.stage;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.Fault;
import org.fusionc.runtime.proto.ReplaySession;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stages behind real servers on loopback, driven by a coordinator written for the test. */
final class StageServerTest {
  private static final List<Integer> PROMPT = List.of(41, 7, 300, 12, 99, 530, 2, 64, 871, 5, 18);
  private static final int TOKENS = 24;
  private static final StageHost.Options OPTIONS = StageHost.Options.defaults();

  /** What an engine in this process generates. */
  private static List<Integer> expected(TestStages stages, int tokens) {
    var options = Compiler.Options.whole(Compiler.backend("cpu"), Phase.SCHEDULED);
    var compiled = Compiler.compile(stages.source.module(), stages.source.phase(), options);
    try (var engine =
        Engine.start(
            stages.source,
            compiled,
            Compiler.backend("cpu"),
            new Engine.Options(2, stages.source.context(), 32, false))) {
      var request = new Request(PROMPT, SamplingOptions.greedy(), tokens, Set.of());
      return engine.submit(request, id -> true).await().ids();
    }
  }

  private static ReplaySession kept(long session, int length, List<Integer> pages) {
    return ReplaySession.newBuilder()
        .setSession(session)
        .setLength(length)
        .addAllPages(pages)
        .build();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void generatesWhatOneProcessDoes(int count) {
    try (var stages = new TestStages(count, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var ids = new ArrayList<>(PROMPT);
      run.generate(7, ids, 0, TOKENS, TestRun.pages(0, 4));

      assertThat(ids.subList(PROMPT.size(), ids.size())).isEqualTo(expected(stages, TOKENS));
      assertThat(run.drives.getLast().ping(5).getComputed()).isEqualTo(TOKENS);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f16", "bf16", "q8"})
  void edgesRoundAndGoOn(String encoding) {
    try (var stages = new TestStages(3, encoding, 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var ids = new ArrayList<>(PROMPT);
      run.generate(7, ids, 0, TOKENS, TestRun.pages(0, 4));
      var again = new ArrayList<>(PROMPT);
      run.generate(8, again, 0, TOKENS, TestRun.pages(4, 4));

      assertThat(again).isEqualTo(ids);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "q8"})
  void aFreshStageIsRebuiltFromKeptRows(String encoding) {
    try (var stages = new TestStages(3, encoding, 32, OPTIONS);
        var whole = new TestRun(stages, 8);
        var run = new TestRun(stages, 8)) {
      var undisturbed = new ArrayList<>(PROMPT);
      whole.generate(1, undisturbed, 0, TOKENS, TestRun.pages(0, 4));

      var ids = new ArrayList<>(PROMPT);
      var pages = TestRun.pages(3, 4);
      run.generate(7, ids, 0, 10, pages);
      int fed = ids.size() - 1;

      run.epoch++;
      run.route.set(1, stages.start(1));
      run.drives.set(1, new TestRun.Drive(stages, run.route.get(1)));
      assertThat(run.open(1).getResumed()).isFalse();
      run.reroute(0);
      run.reroute(2);
      run.replay(0, 1, kept(7, fed, pages));
      var rebuilt = run.drives.get(1).next(DriveEvent.EventCase.REBUILT).getRebuilt();
      assertThat(rebuilt.getTokens()).isEqualTo(fed);
      assertThat(rebuilt.getEpoch()).isEqualTo(2);

      run.generate(7, ids, fed, TOKENS - 10, pages);
      assertThat(ids).isEqualTo(undisturbed);
    }
  }

  @Test
  void twoFreshStagesAreRebuiltOneThroughTheOther() {
    try (var stages = new TestStages(3, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 16)) {
      var ids = new ArrayList<>(PROMPT);
      var other = new ArrayList<>(PROMPT);
      run.generate(7, ids, 0, 10, TestRun.pages(0, 4));
      run.generate(8, other, 0, 3, TestRun.pages(4, 4));
      int fed = ids.size() - 1;

      run.epoch++;
      for (int stage = 1; stage < 3; stage++) {
        run.route.set(stage, stages.start(stage));
      }
      for (int stage = 1; stage < 3; stage++) {
        run.drives.set(stage, new TestRun.Drive(stages, run.route.get(stage)));
        run.open(stage);
      }
      run.reroute(0);
      run.replay(
          0, 2, kept(7, fed, TestRun.pages(0, 4)), kept(8, other.size() - 1, TestRun.pages(4, 4)));
      var rebuilt = run.drives.get(2).next(DriveEvent.EventCase.REBUILT).getRebuilt();
      assertThat(rebuilt.getTokens()).isEqualTo(fed + other.size() - 1);

      run.generate(7, ids, fed, TOKENS - 10, TestRun.pages(0, 4));
      run.generate(8, other, other.size() - 1, TOKENS - 3, TestRun.pages(4, 4));
      assertThat(ids.subList(PROMPT.size(), ids.size())).isEqualTo(expected(stages, TOKENS));
      assertThat(other).isEqualTo(ids);
    }
  }

  @Test
  void aFreshFirstStageIsRebuiltFromTokens() {
    try (var stages = new TestStages(2, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var ids = new ArrayList<>(PROMPT);
      var pages = TestRun.pages(0, 4);
      run.generate(7, ids, 0, 10, pages);
      int fed = ids.size() - 1;

      run.epoch++;
      run.route.set(0, stages.start(0));
      run.drives.set(0, new TestRun.Drive(stages, run.route.get(0)));
      run.open(0);
      run.reroute(1);
      run.frames = new TestRun.Frames(stages, run.route.get(0));
      run.frames.send(TestRun.rebuild(run.frame(7, 0, ids.subList(0, fed), pages), 0));
      run.drives.get(0).next(DriveEvent.EventCase.REBUILT);

      run.generate(7, ids, fed, TOKENS - 10, pages);
      assertThat(ids.subList(PROMPT.size(), ids.size())).isEqualTo(expected(stages, TOKENS));
    }
  }

  @Test
  void framesOfOlderEpochsAreDropped() {
    try (var stages = new TestStages(2, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var pages = TestRun.pages(0, 4);
      var stale = run.frame(7, 0, PROMPT, pages);
      run.epoch++;
      run.reroute(0);
      run.reroute(1);
      run.frames.send(stale);
      run.frames.send(run.frame(7, 0, PROMPT, pages));

      assertThat(run.result().getFrame()).isEqualTo(1);
      assertThat(stages.peers.getFirst().host().counters().stale()).isEqualTo(1);
      assertThat(run.drives.getLast().events).isEmpty();
    }
  }

  @Test
  void framesThatDoNotFitAreRefused() {
    try (var stages = new TestStages(2, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      run.frames.send(run.frame(7, 3, PROMPT, TestRun.pages(0, 4)));
      assertRefused(run, "session 7 goes on at position 3, but 0 of its positions are here");
      run.frames.send(run.frame(7, 0, List.of(1, 1024), TestRun.pages(0, 4)));
      assertRefused(run, "element 1 is 1024, but token ids are from 0 to 1023");
      run.frames.send(run.frame(7, 0, PROMPT, TestRun.pages(7, 4)));
      assertRefused(run, "page 8 is none of the run's 8");
      run.frames.send(run.frame(7, 0, PROMPT, TestRun.pages(0, 4)).setEpoch(9));
      assertRefused(run, "of epoch 9, but epoch 1 has not ended");

      run.frames.send(run.frame(7, 0, PROMPT, TestRun.pages(0, 4)));
      run.result();
      assertThat(stages.peers.getFirst().host().counters().refused()).isEqualTo(4);
    }
  }

  private static void assertRefused(TestRun run, String message) {
    var status = run.frames.status();
    assertThat(status.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(status.getDescription()).contains(message);
    run.frames = new TestRun.Frames(run.stages, run.route.getFirst());
  }

  @Test
  void runsShareASegmentUntilItsPagesAreTaken() {
    try (var stages = new TestStages(2, "f32", 12, OPTIONS);
        var one = new TestRun(stages, 6);
        var two = new TestRun(stages, 6)) {
      var a = new ArrayList<>(PROMPT);
      var b = new ArrayList<>(PROMPT);
      for (int i = 0; i < TOKENS; i++) {
        one.generate(1, a, i == 0 ? 0 : a.size() - 1, 1, TestRun.pages(2, 4));
        two.generate(1, b, i == 0 ? 0 : b.size() - 1, 1, TestRun.pages(2, 4));
      }
      var expected = expected(stages, TOKENS);
      assertThat(a.subList(PROMPT.size(), a.size())).isEqualTo(expected);
      assertThat(b).isEqualTo(a);

      var third = new TestRun.Drive(stages, stages.peers.getFirst());
      third.requests.onNext(
          DriveRequest.newBuilder()
              .setOpen(one.openMessage(0).setRun("another").setPages(1))
              .build());
      var status = third.status();
      third.cut();
      assertThat(status.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      assertThat(status.getDescription()).contains("1 pages are wanted, and 0 of the 12");

      one.drives.forEach(drive -> drive.requests.onCompleted());
      one.drives.forEach(TestRun.Drive::status);
      try (var next = new TestRun(stages, 6)) {
        var c = new ArrayList<>(PROMPT);
        next.generate(1, c, 0, TOKENS, TestRun.pages(0, 4));
        assertThat(c).isEqualTo(a);
      }
    }
  }

  @Test
  void aRunWhoseCoordinatorComesBackGoesOn() {
    try (var stages = new TestStages(2, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var ids = new ArrayList<>(PROMPT);
      var pages = TestRun.pages(0, 4);
      run.generate(7, ids, 0, 10, pages);
      run.drives.forEach(TestRun.Drive::cut);
      run.frames.channel.shutdownNow();

      run.epoch++;
      for (int stage = 0; stage < 2; stage++) {
        run.drives.set(stage, new TestRun.Drive(stages, run.route.get(stage)));
        assertThat(run.open(stage).getResumed()).isTrue();
      }
      run.frames = new TestRun.Frames(stages, run.route.getFirst());
      run.generate(7, ids, ids.size() - 1, TOKENS - 10, pages);
      assertThat(ids.subList(PROMPT.size(), ids.size())).isEqualTo(expected(stages, TOKENS));
    }
  }

  @Test
  void aRunWhoseCoordinatorStaysAwayIsFreed() throws InterruptedException {
    var options = OPTIONS.withGrace(Duration.ofMillis(20));
    try (var stages = new TestStages(1, "f32", 8, options);
        var run = new TestRun(stages, 8)) {
      var host = stages.peers.getFirst().host();
      assertThat(host.loads().values())
          .singleElement()
          .satisfies(load -> {
            assertThat(load.runs()).isEqualTo(1);
            assertThat(load.freePages()).isZero();
          });
      run.drives.getFirst().cut();
      while (host.loads().values().iterator().next().freePages() < 8) {
        Thread.sleep(5);
      }
      run.epoch++;
      run.drives.set(0, new TestRun.Drive(stages, run.route.getFirst()));
      assertThat(run.open(0).getResumed()).isFalse();
    }
  }

  @Test
  void aLostNextStageIsAFault() {
    try (var stages = new TestStages(2, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var ids = new ArrayList<>(PROMPT);
      run.generate(7, ids, 0, 2, TestRun.pages(0, 4));
      stages.peers.get(1).server().shutdownNow();

      var fault = run.drives.getFirst().next(DriveEvent.EventCase.FAULT).getFault();
      assertThat(fault.getKind()).isEqualTo(Fault.Kind.DOWNSTREAM_LOST);
      assertThat(fault.getEpoch()).isEqualTo(1);
      assertThat(fault.getMessage()).startsWith("stage 1 at 127.0.0.1:");
    }
  }

  @Test
  void aNextStageThatRefusesIsAFault() {
    try (var stages = new TestStages(2, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var ids = new ArrayList<>(PROMPT);
      run.generate(7, ids, 0, 2, TestRun.pages(0, 4));
      run.drives.get(1).requests.onCompleted();
      run.drives.get(1).status();

      run.frames.send(run.frame(7, 0, PROMPT, TestRun.pages(0, 4)));
      var fault = run.drives.getFirst().next(DriveEvent.EventCase.FAULT).getFault();
      assertThat(fault.getKind()).isIn(Fault.Kind.DOWNSTREAM_LOST, Fault.Kind.DOWNSTREAM_REFUSED);
    }
  }

  @Test
  void drainingSaysSoAndTakesNoNewRuns() {
    try (var stages = new TestStages(1, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      stages.peers.getFirst().service().drain();
      var fault = run.drives.getFirst().next(DriveEvent.EventCase.FAULT).getFault();
      assertThat(fault.getKind()).isEqualTo(Fault.Kind.DRAINING);

      var ids = new ArrayList<>(PROMPT);
      run.generate(7, ids, 0, 2, TestRun.pages(0, 4));
      var other = new TestRun.Drive(stages, stages.peers.getFirst());
      other.requests.onNext(
          DriveRequest.newBuilder().setOpen(run.openMessage(0).setRun("another")).build());
      assertThat(other.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      other.cut();
    }
  }

  @Test
  void aRetiredSegmentIsClosedWhenItsLastRunHasEnded() {
    try (var stages = new TestStages(1, "f32", 32, OPTIONS);
        var run = new TestRun(stages, 8)) {
      var host = stages.peers.getFirst().host();
      var closed = host.retire(host.loads().keySet().iterator().next());
      var ids = new ArrayList<>(PROMPT);
      run.generate(7, ids, 0, 2, TestRun.pages(0, 4));
      assertThat(closed).isNotDone();

      run.drives.getFirst().requests.onCompleted();
      assertThat(closed).succeedsWithin(Duration.ofSeconds(30));
      var other = new TestRun.Drive(stages, stages.peers.getFirst());
      other.requests.onNext(DriveRequest.newBuilder().setOpen(run.openMessage(0)).build());
      assertThat(other.status().getCode()).isEqualTo(Status.Code.NOT_FOUND);
      other.cut();
    }
  }
}
