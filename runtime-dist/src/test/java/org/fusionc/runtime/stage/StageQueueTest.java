package org.fusionc.runtime.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.Fault;
import org.junit.jupiter.api.Test;

/** What happens to frames that wait, on a machine that takes its time. */
final class StageQueueTest {
  private static final StageHost.Options OPTIONS = StageHost.Options.defaults().withQueuedFrames(3);
  private static final List<Integer> PAGES = TestRun.pages(0, 8);

  private final Semaphore gate = new Semaphore(0);

  /** Opened before the rest is closed, which waits for frames that have begun. */
  private interface Gate extends AutoCloseable {
    @Override
    void close();
  }

  /** Waits until a stage has begun a frame and so many wait behind it. */
  private static void awaitQueued(TestRun run, int stage, int queued) {
    var pong = run.drives.get(stage).ping(1);
    while (pong.getQueued() < queued || pong.getRunningNanos() == 0) {
      pong = run.drives.get(stage).ping(1);
    }
  }

  @Test
  void noMoreFramesAreReadThanMayWait() {
    try (var stages = new TestStages(1, "f32", 8, OPTIONS, new GatedBackend(gate));
        var run = new TestRun(stages, 8)) {
      for (int i = 0; i < 40; i++) {
        run.frames.send(run.frame(7, i, List.of(i), PAGES));
      }
      awaitQueued(run, 0, 3);
      var pong = run.drives.getFirst().ping(2);
      assertThat(pong.getQueued()).isEqualTo(3);
      assertThat(pong.getComputed()).isZero();
      assertThat(pong.getRunningTokens()).isEqualTo(1);
      assertThat(stages.peers.getFirst().host().loads().values())
          .singleElement()
          .satisfies(load -> assertThat(load.queued()).isEqualTo(3));

      gate.release(40);
      var numbers = new ArrayList<Long>();
      for (int i = 0; i < 40; i++) {
        numbers.add(run.result().getFrame());
      }
      assertThat(numbers).isSorted().hasSize(40);
      assertThat(run.drives.getFirst().ping(3).getRunningNanos()).isZero();
      gate.release();
    }
  }

  @Test
  void aRunWithManyFramesDoesNotKeepAnotherWaiting() {
    try (var stages = new TestStages(1, "f32", 16, OPTIONS, new GatedBackend(gate));
        var busy = new TestRun(stages, 8);
        var quiet = new TestRun(stages, 8);
        Gate _ = () -> gate.release(1000)) {
      for (int i = 0; i < 40; i++) {
        busy.frames.send(busy.frame(7, i, List.of(i), PAGES));
      }
      awaitQueued(busy, 0, 3);
      quiet.frames.send(quiet.frame(1, 0, List.of(5), PAGES));
      while (quiet.drives.getFirst().ping(1).getQueued() == 0) {
        Thread.onSpinWait();
      }

      // One for the frame that has begun, one for the busy run, whose turn was announced before.
      gate.release(3);
      assertThat(quiet.result().getFrame()).isZero();
      assertThat(busy.result().getFrame()).isZero();
      assertThat(busy.result().getFrame()).isEqualTo(1);
    }
  }

  @Test
  void aNewEpochDropsWhatWaitsAndWhatIsBeingComputed() {
    try (var stages = new TestStages(1, "f32", 8, OPTIONS, new GatedBackend(gate));
        var run = new TestRun(stages, 8)) {
      for (int i = 0; i < 4; i++) {
        run.frames.send(run.frame(7, i, List.of(i), PAGES));
      }
      awaitQueued(run, 0, 3);
      run.epoch++;
      run.reroute(0);
      assertThat(stages.peers.getFirst().host().counters().stale()).isEqualTo(3);
      gate.release(2);

      run.frames.send(run.frame(7, 0, List.of(0, 1), PAGES));
      assertThat(run.result().getFrame()).isEqualTo(4);
      assertThat(stages.peers.getFirst().host().counters().stale()).isEqualTo(4);
    }
  }

  @Test
  void aFrameThatFailsIsAFaultAndNothingIsBuiltOnIt() {
    gate.release(1000);
    try (var stages = new TestStages(1, "f32", 8, OPTIONS, new GatedBackend(gate));
        var run = new TestRun(stages, 8)) {
      var ids = new ArrayList<Integer>();
      for (int i = 0; i <= GatedBackend.FAILING_POSITION; i++) {
        ids.add(i);
      }
      int failing = GatedBackend.FAILING_POSITION;
      run.frames.send(run.frame(7, 0, ids.subList(0, failing), PAGES));
      run.frames.send(run.frame(7, failing, ids.subList(failing, failing + 1), PAGES));
      run.frames.send(run.frame(7, failing + 1, List.of(1), PAGES));
      assertThat(run.result().getFrame()).isZero();
      var fault = run.drives.getFirst().next(DriveEvent.EventCase.FAULT).getFault();
      assertThat(fault.getKind()).isEqualTo(Fault.Kind.COMPUTE_FAILED);
      assertThat(fault.getMessage()).contains("frame 1: ", "the memory module has gone");

      run.epoch++;
      run.reroute(0);
      run.frames.send(run.frame(7, failing - 1, List.of(1), PAGES));
      assertThat(run.result().getFrame()).isEqualTo(3);
    }
  }
}
