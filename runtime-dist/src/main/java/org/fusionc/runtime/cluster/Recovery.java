package org.fusionc.runtime.cluster;

import java.util.Locale;
import org.fusionc.runtime.proto.RecoveryReport;

/**
 * How a stage came to another peer, or back to its own.
 *
 * @param from the peer that had it
 * @param to the peer that has it now
 * @param seconds from the last sign of life until the first new result
 * @param expectedSeconds what the plan states; 0 if nothing
 * @param replayedTokens how many were computed again
 * @param atMillis when it was over, Unix time
 */
public record Recovery(
    long epoch,
    int stage,
    String from,
    String to,
    Cause cause,
    double seconds,
    double expectedSeconds,
    long replayedTokens,
    long atMillis) {
  /** Why a stage was lost, or left. */
  public enum Cause {
    /** The peer's process ended, or its machine did. */
    KILLED,
    /** The peer is reached, but gives no sign of life. */
    HUNG,
    /** The connection broke, to us or to a neighbour. */
    CUT_OFF,
    /** It takes much longer than it did. */
    SLOW,
    /** It could not compute. */
    FAILED,
    /** It sent or refused what it should not have. */
    REFUSED,
    /** It is about to leave. */
    DRAINED,
    /** The broker has a better plan. */
    RE_PLANNED;

    @Override
    public String toString() {
      return switch (this) {
        case CUT_OFF -> "cut off";
        case RE_PLANNED -> "re-planned";
        default -> name().toLowerCase(Locale.ROOT);
      };
    }
  }

  RecoveryReport report() {
    return RecoveryReport.newBuilder()
        .setEpoch(epoch)
        .setStage(stage)
        .setFrom(from)
        .setTo(to)
        .setCause(cause.toString())
        .setSeconds(seconds)
        .setExpectedSeconds(expectedSeconds)
        .setReplayedTokens(replayedTokens)
        .setAtMillis(atMillis)
        .build();
  }

  @Override
  public String toString() {
    var moved = from.equals(to) ? "stays on " + to : "goes from " + from + " to " + to;
    return "stage %d %s (%s), %.2f s, %d tokens computed again"
        .formatted(stage, moved, cause, seconds, replayedTokens);
  }
}
