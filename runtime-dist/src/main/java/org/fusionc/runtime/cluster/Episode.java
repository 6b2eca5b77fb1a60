package org.fusionc.runtime.cluster;

import java.util.function.Consumer;

/**
 * A time in which a run's route is not whole, from the loss of a stage, or the wish to move one,
 * until the first new result. Times are of the nano clock. Of the run's thread.
 */
final class Episode {
  private final RunListener listener;
  private boolean under;
  private long firstAnswer;
  private long progress = System.nanoTime();
  private boolean announced;

  Episode(RunListener listener) {
    this.listener = listener;
  }

  /** Whether it is under way. */
  boolean isUnderWay() {
    return under;
  }

  void begin(long now) {
    if (!under) {
      under = true;
      progress = now;
    }
    firstAnswer = 0;
  }

  void answered(long now) {
    progress = now;
    if (under && firstAnswer == 0) {
      firstAnswer = now;
    }
  }

  /** Something was computed. */
  void progressed(long now) {
    progress = Math.max(progress, now);
  }

  long lastProgress() {
    return progress;
  }

  /** Tells people, once. */
  void announce(String message) {
    if (!announced) {
      announced = true;
      listener.notice(message);
    }
  }

  /**
   * It is over if an answer has come, or nobody waits for one: then all stages that moved are
   * reported.
   *
   * @param awaited whether somebody waits for an answer
   */
  void end(boolean awaited, long epoch, Route route, Consumer<Recovery> report) {
    if (!under || (awaited && firstAnswer == 0)) {
      return;
    }
    long end = firstAnswer != 0 ? firstAnswer : System.nanoTime();
    under = false;
    firstAnswer = 0;
    if (announced) {
      announced = false;
      listener.notice("every stage has a peer again");
    }
    for (var slot : route.slots()) {
      var move = slot.move();
      long tokens = slot.settle();
      if (move != null) {
        var recovery =
            new Recovery(
                epoch,
                slot.stage,
                move.from().peer(),
                slot.requireLink().holder().peer(),
                move.cause(),
                Math.max(0, end - move.since()) / 1e9,
                route.state().stages().get(slot.stage).expectedRecovery(),
                tokens,
                System.currentTimeMillis());
        report.accept(recovery);
        listener.recovered(recovery);
      }
    }
  }
}
