package org.fusionc.runtime.cluster;

import java.time.Duration;
import java.util.ArrayList;

/** Looks after a run from time to time: who is silent, slow or late. Of the run's thread. */
final class Watch {
  /** Longer than any pause between two looks should be. */
  private static final long PAUSE = Duration.ofMillis(300).toNanos();

  private static final long STALL = Duration.ofSeconds(3).toNanos();
  private static final long CONNECT = Duration.ofSeconds(5).toNanos();
  private static final long INTERVAL = Duration.ofMillis(500).toNanos();

  private final Run run;
  private long last = System.nanoTime();
  private long seldom = last;
  private long stall = STALL;
  private long stalledProgress;

  Watch(Run run) {
    this.run = run;
  }

  void look(long now) {
    long gap = now - last;
    last = now;
    var links = new ArrayList<StageLink>();
    run.route().each(links::add);
    run.moves().each(links::add);
    for (var link : links) {
      if (gap > PAUSE) {
        // This process was stopped or starved, and could not hear.
        link.excuse(gap);
      }
      if (link.isOpen()) {
        link.ping(now, run.options.ping().toNanos());
      }
    }
    links.forEach(link -> look(link, now));
    switch (run.phase()) {
      case Phase.Waiting(long until) -> {
        if (now - until >= 0) {
          run.restart();
        }
      }
      case Phase.Connecting(long since) -> {
        if (now - since > CONNECT) {
          run.restart();
        }
      }
      case Phase.Live(long since) -> live(since, now);
      case Phase.Replaying _, Phase.Closed _ -> {}
    }
    run.faults().checkDeadline(now);
    if (now - seldom > INTERVAL) {
      seldom = now;
      run.moves().check(now);
    }
  }

  private void look(StageLink link, long now) {
    if (link.isClosed()) {
      return;
    }
    boolean late = !link.isOpen() && now - link.openBefore > 0;
    boolean silent = link.isOpen() && now - link.lastHeard() > run.options.detection().toNanos();
    if (!late && !silent) {
      return;
    }
    var reason = late ? "it did not take up the stage in time" : "it gives no sign of life";
    var slot = run.route().slotOf(link);
    if (slot.isPresent()) {
      run.lose(slot.get(), Recovery.Cause.HUNG, false, reason);
    } else {
      run.moves().lost(link, reason);
    }
  }

  private void live(long since, long now) {
    for (var slot : run.route().slots()) {
      if (slot.requireLink().isSlow()) {
        var link = slot.requireLink();
        var other = run.health.alternative(run.route().ready(slot), link.holder(), now);
        if (other.isPresent()) {
          run.moves().want(slot, Recovery.Cause.SLOW);
        }
      }
    }
    stalled(since, now);
  }

  /** Everybody is alive and nobody works, yet there is no answer: something was lost on the way. */
  private void stalled(long since, long now) {
    if (!run.ledger().hasOutstanding()) {
      return;
    }
    // What was just submitted, after a time in which nobody wanted anything, is not late.
    long begin = Math.max(since, run.ledger().oldest());
    long quiet = now - Math.max(begin, run.episode().lastProgress());
    boolean idle = run.route().slots().stream().allMatch(s -> s.requireLink().isIdle());
    if (run.episode().lastProgress() != stalledProgress) {
      stalledProgress = run.episode().lastProgress();
      stall = STALL;
    }
    if (idle && quiet > stall) {
      stall = 2 * stall;
      run.faults()
          .brokenEdge(
              run.route().slots().size() > 1 ? furthest() : 0, "frames do not arrive there");
    }
  }

  /** The first stage that has computed nothing since the epoch began. */
  private int furthest() {
    for (var slot : run.route().slots()) {
      if (!slot.requireLink().hasComputedInEpoch()) {
        return slot.stage;
      }
    }
    return run.route().slots().size() - 1;
  }
}
