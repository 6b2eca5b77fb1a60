package org.fusionc.runtime.stage;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.proto.DriveRequest;
import org.junit.jupiter.api.Test;

/** What runs keep of what they sent on is set aside when they begin. */
class RunMemoryTest {
  private static final int PAGES = 8;

  /** Memory of so many bytes. */
  private static final class Limited implements RunMemory {
    final Map<Object, Long> held = new HashMap<>();
    long total = Long.MAX_VALUE;

    @Override
    public synchronized void hold(Object owner, long bytes, String figures) {
      if (bytes > total - used()) {
        throw Diagnostic.failed(
                Location.unknown(), owner + " needs " + bytes + " bytes (" + figures + ")", "")
            .exception();
      }
      held.put(owner, bytes);
    }

    @Override
    public synchronized void free(Object owner) {
      held.remove(owner);
    }

    synchronized long used() {
      return held.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  @Test
  void aRunThatDoesNotFitIsRefusedWithAReasonAndOneThatEndsGivesItsMemoryBack() throws Exception {
    var memory = new Limited();
    var options = StageHost.Options.defaults();
    var backend = Compiler.backend("cpu");
    try (var stages = new TestStages(2, "f32", 4 * PAGES, options, backend, memory)) {
      long width = 128;
      long one = PAGES * TestStages.PAGE_TOKENS * width * Float.BYTES;
      try (var run = new TestRun(stages, PAGES)) {
        // The last stage keeps nothing.
        assertThat(memory.used()).isEqualTo(one);
        memory.total = 2 * one - 1;

        var second = new TestRun.Drive(stages, stages.peers.getFirst());
        second.requests.onNext(
            DriveRequest.newBuilder().setOpen(run.openMessage(0).setRun("another")).build());
        var refused = second.status();
        assertThat(refused.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(refused.getDescription()).contains(one + " bytes (kept rows of 8 pages)");

        // Opened anew, it needs its memory once.
        var again = new TestRun.Drive(stages, stages.peers.getFirst());
        again.requests.onNext(
            DriveRequest.newBuilder().setOpen(run.openMessage(0).setFresh(true)).build());
        assertThat(again.next().hasOpened()).isTrue();
        assertThat(memory.used()).isEqualTo(one);

        again.requests.onCompleted();
        again.status();
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (memory.used() > 0 && System.nanoTime() < end) {
          Thread.onSpinWait();
        }
        assertThat(memory.used()).isZero();
      }
    }
    assertThat(memory.held).isEmpty();
  }
}
