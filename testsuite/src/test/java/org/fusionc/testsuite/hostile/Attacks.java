package org.fusionc.testsuite.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.util.List;
import java.util.Objects;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/** What all attacks have: while they go on, and after them, a good client is served. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class Attacks {
  /** Lines that an attack may leave in the log. */
  private static final int MOST_LINES = 2000;

  private @Nullable GoodClient good;

  abstract VictimProcess victim();

  /** What the good client shows. */
  Transport friend() {
    return Transport.plain();
  }

  /** The victim's ports. */
  final List<Address> ports() {
    return List.of(victim().peer(), victim().broker());
  }

  @AfterAll
  final void endGoodClient() {
    if (good != null) {
      good.close();
    }
  }

  @BeforeEach
  final void begin() throws InterruptedException {
    if (good == null) {
      good = new GoodClient(friend(), victim().peer());
      good.assertServed();
    }
    victim().clearLog();
  }

  @AfterEach
  final void othersAreServed() throws InterruptedException {
    assertOthersAreServed();
    assertThat(victim().isAlive()).isTrue();
    assertThat(victim().logged()).as("lines logged").isLessThan(MOST_LINES);
  }

  final void assertOthersAreServed() throws InterruptedException {
    Objects.requireNonNull(good).assertServed();
  }

  /** A call's end must be a refusal, for this reason. */
  static void assertRefused(StreamEnd<?> end, String reason) {
    assertThat(end.status().getCode())
        .as(end.status().toString())
        .isIn(
            Status.Code.INVALID_ARGUMENT,
            Status.Code.NOT_FOUND,
            Status.Code.ABORTED, // somebody else writes it
            Status.Code.FAILED_PRECONDITION,
            Status.Code.RESOURCE_EXHAUSTED,
            Status.Code.OUT_OF_RANGE);
    assertThat(end.status().getDescription()).isNotEmpty().contains(reason);
  }
}
