package org.fusionc.runtime.cluster;

import java.time.Duration;

/**
 * How a run notices failures, and how long it bears them.
 *
 * @param pages of the KV cache that it reserves on every stage
 * @param ping how often every stage is asked for a sign of life
 * @param detection a stage that gives none for so long is taken for lost
 * @param deadline frames that have waited for so long for a stage without a peer fail
 */
public record RunOptions(int pages, Duration ping, Duration detection, Duration deadline) {
  public static RunOptions of(int pages) {
    return new RunOptions(
        pages, Duration.ofMillis(200), Duration.ofSeconds(1), Duration.ofSeconds(60));
  }

  public RunOptions withDetection(Duration other) {
    return new RunOptions(pages, ping, other, deadline);
  }

  public RunOptions withDeadline(Duration other) {
    return new RunOptions(pages, ping, detection, other);
  }
}
