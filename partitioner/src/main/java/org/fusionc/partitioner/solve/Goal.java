package org.fusionc.partitioner.solve;

import java.util.List;

/** What to make small, in seconds of one step. */
public sealed interface Goal {

  /** The time from a token's entry to the next one's. */
  record Latency() implements Goal {}

  /**
   * The time between two steps' ends when {@code inFlight} steps chase each other round the
   * pipeline: the busiest device or wire sets it, or the way round if too few are in flight.
   *
   * @param inFlight at least 1
   */
  record Period(double inFlight) implements Goal {}

  /** The value of a plan. */
  default double value(Problem problem, List<Piece> pieces) {
    return switch (this) {
      case Latency _ -> problem.latency(pieces);
      case Period(var inFlight) ->
          Math.max(problem.busiest(pieces), problem.latency(pieces) / inFlight);
    };
  }

  /** For how long anything may be busy in a plan whose value is below {@code target}. */
  default double cap(double target) {
    return switch (this) {
      case Latency _ -> Double.POSITIVE_INFINITY;
      case Period _ -> target;
    };
  }

  /** Below which a plan's latency is if its value is below {@code target}. */
  default double limit(double target) {
    return switch (this) {
      case Latency _ -> target;
      case Period(var inFlight) -> target * inFlight;
    };
  }
}
