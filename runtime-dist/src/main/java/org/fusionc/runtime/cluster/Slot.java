package org.fusionc.runtime.cluster;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One stage of a route: who has it, and what is known of its cache. Of the run's thread. */
final class Slot {
  /**
   * A stage on its way from one peer to another; over with the first new result.
   *
   * @param since the last sign of life, on the nano clock
   */
  record Move(Holder from, Recovery.Cause cause, long since) {}

  final int stage;

  /** Who has the stage; null if nobody. */
  private @Nullable StageLink link;

  /** Opened beside a link that still serves, to take its place. */
  private @Nullable StageLink successor;

  private Recovery.@Nullable Cause successorCause;

  /**
   * The peer whose cache holds all positions that have been answered, and whose kept rows are all
   * there; null if none does.
   */
  private @Nullable Holder intactAt;

  private @Nullable Move move;

  /** The peer whose connection broke: it is asked first whether it still has the cache. */
  private @Nullable Holder resumable;

  private long replayed;
  long moved;
  long downstreamLost;

  Slot(int stage, long now) {
    this.stage = stage;
    // Long ago.
    this.moved = now - 3_600_000_000_000L;
    this.downstreamLost = moved;
  }

  @Nullable StageLink link() {
    return link;
  }

  StageLink requireLink() {
    return Objects.requireNonNull(link);
  }

  @Nullable StageLink successor() {
    return successor;
  }

  @Nullable Move move() {
    return move;
  }

  boolean isIntact() {
    return link != null && link.isOpen() && link.holder().equals(intactAt);
  }

  void use(StageLink other) {
    link = other;
  }

  /** The peer in use, or the one that was. */
  @Nullable Holder holder() {
    return link != null ? link.holder() : move == null ? null : move.from;
  }

  /** The stage's answer to Open has come. */
  void opened(StageLink answered) {
    boolean kept = answered.isResumed() && answered.holder().equals(intactAt);
    if (!kept) {
      intactAt = null;
    }
    if (move != null) {
      boolean same = answered.holder().equals(move.from);
      if (same && answered.isResumed() && move.cause == Recovery.Cause.KILLED) {
        move = new Move(move.from, Recovery.Cause.CUT_OFF, move.since);
      }
      if (!same) {
        moved = System.nanoTime();
      }
    }
  }

  void markIntact() {
    intactAt = requireLink().holder();
  }

  void markDamaged() {
    intactAt = null;
  }

  /** The peer stays, but something about it is to be put right. */
  void blame(Recovery.Cause cause) {
    if (move == null && link != null) {
      move = new Move(link.holder(), cause, link.lastHeard());
    }
  }

  /** Takes the link away. The first loss of several in a row is the one that is reported. */
  void lose(Recovery.Cause cause, boolean mayResume) {
    var lost = requireLink();
    if (lost.isOpen()) {
      blame(cause);
      // A neighbour may have seen that it is gone before we did.
      if (move != null
          && move.cause == Recovery.Cause.CUT_OFF
          && cause != Recovery.Cause.CUT_OFF
          && move.from.equals(lost.holder())) {
        move = new Move(move.from, cause, move.since);
      }
    }
    link = null;
    resumable = mayResume ? lost.holder() : null;
    lost.cut();
  }

  /** The peer whose connection broke, if it has not been asked yet whether it kept the cache. */
  @Nullable Holder resumable() {
    return resumable;
  }

  @Nullable Holder takeResumable() {
    var holder = resumable;
    resumable = null;
    return holder;
  }

  void prepare(StageLink other, Recovery.Cause cause) {
    successor = other;
    successorCause = cause;
  }

  void dropSuccessor() {
    if (successor != null) {
      successor.cut();
      successor = null;
    }
  }

  /** Puts the successor in the link's place; gives the link that was there. */
  @Nullable StageLink promote(long now) {
    var old = link;
    if (old != null && move == null) {
      move = new Move(old.holder(), Objects.requireNonNull(successorCause), now);
    }
    link = successor;
    successor = null;
    moved = now;
    intactAt = null;
    return old;
  }

  void arriveFrom(Holder from, Recovery.Cause cause, long now) {
    move = new Move(from, cause, now);
    moved = now;
  }

  void countReplayed(long tokens) {
    replayed += tokens;
  }

  /** The move is over. */
  long settle() {
    move = null;
    long tokens = replayed;
    replayed = 0;
    return tokens;
  }
}
