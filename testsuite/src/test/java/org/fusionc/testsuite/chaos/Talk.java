package org.fusionc.testsuite.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.fusionc.runtime.cluster.ClusterEngine;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.fusionc.testsuite.model.Models;

/**
 * A long generation by the example model, in whose midst something happens.
 *
 * @param expected what the model gives in this process, undisturbed
 */
record Talk(List<Integer> expected) {
  static final Duration LONG = Duration.ofSeconds(240);
  private static final List<Integer> PROMPT = List.of(1, 40, 7, 19, 3, 25, 60, 11);
  private static final int TOKENS = 300;
  private static final int BLOW = 40;

  static Talk of(Deployment deployment) {
    var expected = deployment.undisturbed(PROMPT, SamplingOptions.greedy(), TOKENS);
    assertThat(expected).hasSize(TOKENS);
    return new Talk(expected);
  }

  static Path model() {
    return Models.example();
  }

  /** Generates, and does that at the 40th token. */
  List<Integer> disturbed(ClusterEngine run, Runnable blow) {
    return disturbed(run, blow, () -> true);
  }

  /**
   * Generates, and does that at the 40th token; then goes on slowly until it has had its effect, at
   * the latest at the 250th token, which waits for it.
   */
  List<Integer> disturbed(ClusterEngine run, Runnable blow, BooleanSupplier felt) {
    var seen = new AtomicInteger();
    return Deployment.generate(
        run.engine(),
        PROMPT,
        SamplingOptions.greedy(),
        TOKENS,
        id -> {
          int at = seen.incrementAndGet();
          if (at == BLOW) {
            blow.run();
          } else if (at > BLOW && at < 250 && !felt.getAsBoolean()) {
            sleep(50);
          } else if (at == 250) {
            await("what was done at token " + BLOW, felt);
          }
          return true;
        });
  }

  /** Generates undisturbed. */
  List<Integer> plain(ClusterEngine run) {
    return disturbed(run, () -> {});
  }

  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + LONG + ": " + what);
      }
      sleep(50);
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
