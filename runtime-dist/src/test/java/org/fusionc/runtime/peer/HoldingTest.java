package org.fusionc.runtime.peer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** A segment that is given up while the compute thread is at it, or others are before it. */
class HoldingTest {
  /** What became of a call that was interrupted. */
  private record Outcome(String result, boolean interrupted) {}

  private static Thread call(
      ExecutorService threads, Runnable work, CompletableFuture<Outcome> outcome) {
    return Thread.ofVirtual()
        .start(() -> {
          String result;
          try {
            result =
                Holding.compute(
                    threads,
                    () -> {
                      work.run();
                      return "computed";
                    });
          } catch (InterruptedException over) {
            result = "given up";
          } catch (IllegalStateException failed) {
            result = failed.getMessage();
          }
          outcome.complete(new Outcome(result, Thread.currentThread().isInterrupted()));
        });
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("the work was interrupted", e);
    }
  }

  @Test
  void waitsForWorkThatHasBegunThoughItIsInterrupted() throws Exception {
    try (var threads = Executors.newSingleThreadExecutor()) {
      var begun = new CountDownLatch(1);
      var release = new CountDownLatch(1);
      var ended = new AtomicBoolean();
      var outcome = new CompletableFuture<Outcome>();
      var caller =
          call(
              threads,
              () -> {
                begun.countDown();
                await(release);
                ended.set(true);
              },
              outcome);
      begun.await();
      caller.interrupt();
      // Whoever gives the segment up closes its source as soon as the caller has returned.
      Thread.sleep(50);
      boolean early = outcome.isDone();
      release.countDown();
      assertThat(outcome.get()).isEqualTo(new Outcome("computed", true));
      assertThat(early).isFalse();
      assertThat(ended).isTrue();
    }
  }

  @Test
  void staysInterruptedWhenTheWorkFails() throws Exception {
    try (var threads = Executors.newSingleThreadExecutor()) {
      var begun = new CountDownLatch(1);
      var release = new CountDownLatch(1);
      var outcome = new CompletableFuture<Outcome>();
      var caller =
          call(
              threads,
              () -> {
                begun.countDown();
                await(release);
                throw new IllegalStateException("no memory");
              },
              outcome);
      begun.await();
      caller.interrupt();
      while (caller.isInterrupted()) {
        Thread.sleep(1);
      }
      release.countDown();
      assertThat(outcome.get()).isEqualTo(new Outcome("no memory", true));
    }
  }

  @Test
  void givesUpAtOnceWhatHasNotBegun() throws Exception {
    try (var threads = Executors.newSingleThreadExecutor()) {
      var release = new CountDownLatch(1);
      var _ = threads.submit(() -> await(release));
      var ran = new AtomicBoolean();
      var outcome = new CompletableFuture<Outcome>();
      call(threads, () -> ran.set(true), outcome).interrupt();
      assertThat(outcome.get()).isEqualTo(new Outcome("given up", false));
      release.countDown();
      var _ = threads.submit(() -> {}).get();
      assertThat(ran).isFalse();
    }
  }
}
