package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.TokenListener;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.junit.jupiter.api.Test;

/** Listeners that wait, as a terminal does that nobody reads, or that fail. */
class ListenersTest {
  private static final List<Integer> PROMPT = List.of(835, 26);
  private static final int TOKENS = 150;

  private static Engine engine(ModelSource source, int sessions) {
    return Models.engine(source, "cpu", new Compiler.Cut.Whole(), sessions);
  }

  private static Request request(int tokens) {
    return new Request(PROMPT, SamplingOptions.greedy(), tokens, Set.of());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void oneThatBlocksKeepsNobodyElseAndHearsAllInOrder() {
    try (var source = Models.open(Models.example());
        var engine = engine(source, 2)) {
      var expected = Models.greedy(engine, PROMPT, TOKENS).ids();
      var open = new CountDownLatch(1);
      var heard = Collections.synchronizedList(new ArrayList<Integer>());
      var blocked =
          engine.submit(
              request(TOKENS),
              id -> {
                await(open);
                heard.add(id);
                return true;
              });
      // Longer than what is kept for the blocked one.
      assertThat(Models.greedy(engine, PROMPT, TOKENS).ids()).isEqualTo(expected);
      assertThat(heard).isEmpty();
      open.countDown();
      assertThat(blocked.await().ids()).isEqualTo(expected);
      assertThat(heard).isEqualTo(expected);
    }
  }

  @Test
  void theTokenAtWhichOneStopsIsTheLastHoweverFarTheSessionIsAhead() {
    try (var source = Models.open(Models.example());
        var engine = engine(source, 2)) {
      var expected = Models.greedy(engine, PROMPT, TOKENS).ids();
      for (int tokens : new int[] {20, TOKENS}) {
        var open = new CountDownLatch(1);
        var heard = Collections.synchronizedList(new ArrayList<Integer>());
        var session =
            engine.submit(
                request(tokens),
                id -> {
                  await(open);
                  heard.add(id);
                  return heard.size() < 7;
                });
        var _ = Models.greedy(engine, PROMPT, TOKENS);
        open.countDown();
        var completion = session.await();
        assertThat(completion.reason()).isEqualTo(Completion.Reason.STOP);
        assertThat(completion.ids()).isEqualTo(expected.subList(0, 7)).isEqualTo(heard);
      }
      // What they had of the cache is free again.
      for (int i = 0; i < 2; i++) {
        assertThat(Models.greedy(engine, PROMPT, TOKENS).ids()).isEqualTo(expected);
      }
    }
  }

  @Test
  void oneThatFailsEndsItsOwnSessionOnly() {
    try (var source = Models.open(Models.example());
        var engine = engine(source, 1)) {
      for (var listener : List.<TokenListener>of(failing(), TokenListener.prompt(failing()))) {
        var session = engine.submit(request(TOKENS), listener);
        assertThatThrownBy(session::await).hasMessage("the terminal is gone");
      }
      assertThat(Models.greedy(engine, PROMPT, 5).ids()).hasSize(5);
    }
  }

  private static TokenListener failing() {
    return id -> {
      throw new IllegalStateException("the terminal is gone");
    };
  }

  @Test
  void theCacheOfACancelledSessionIsFreeBeforeItsListenerReturns() {
    try (var source = Models.open(Models.example());
        var engine = engine(source, 1)) {
      var told = new CountDownLatch(1);
      var open = new CountDownLatch(1);
      var blocked =
          engine.submit(
              request(TOKENS),
              id -> {
                told.countDown();
                await(open);
                return true;
              });
      await(told);
      blocked.cancel();
      assertThat(Models.greedy(engine, PROMPT, 5).ids()).hasSize(5);
      open.countDown();
      assertThat(blocked.await().reason()).isEqualTo(Completion.Reason.CANCELLED);
    }
  }

  @Test
  void closingDoesNotWaitForAListener() {
    var open = new CountDownLatch(1);
    try (var source = Models.open(Models.example())) {
      var engine = engine(source, 1);
      var blocked =
          engine.submit(
              request(TOKENS),
              id -> {
                await(open);
                return true;
              });
      engine.close();
      assertThatThrownBy(blocked::await).isInstanceOf(CancellationException.class);
    } finally {
      open.countDown();
    }
  }
}
