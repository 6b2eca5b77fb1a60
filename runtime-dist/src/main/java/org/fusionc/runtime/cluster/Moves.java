package org.fusionc.runtime.cluster;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves that nobody's failure forces: a stage to a peer that is to be preferred, or all stages to
 * another plan. What serves goes on serving until what replaces it is open. Of the run's thread.
 */
final class Moves {
  private static final Logger LOG = LoggerFactory.getLogger(Moves.class);
  private static final long SETTLING = Duration.ofSeconds(10).toNanos();
  private static final long RETRY = Duration.ofSeconds(1).toNanos();

  private final Run run;

  /** The newest state, of whichever plan. */
  private DeploymentState newest;

  /** The route of another plan, while its stages are being opened. */
  private @Nullable Route next;

  /** The deployment is no more, so that no lost stage will find another peer. */
  private boolean removed;

  private long retry;

  /** Stages that are to leave their peers as soon as there is another. */
  private final Map<Slot, Recovery.Cause> wanted = new HashMap<>();

  Moves(Run run, DeploymentState newest) {
    this.run = run;
    this.newest = newest;
    this.retry = System.nanoTime();
  }

  void changed(DeploymentState state) {
    newest = state;
    removed = false;
    retry = System.nanoTime();
    if (run.route().isOf(state)) {
      drop();
      run.route().update(state);
      if (run.phase() instanceof Phase.Waiting) {
        run.restart();
      }
    } else if (next != null && !next.isOf(state)) {
      drop();
    }
    check(System.nanoTime());
  }

  void removed() {
    removed = true;
  }

  boolean isRemoved() {
    return removed;
  }

  /** A stage should leave its peer. */
  void want(Slot slot, Recovery.Cause cause) {
    long now = System.nanoTime();
    if (slot.link() != null && wanted.put(slot, cause) == null) {
      LOG.info("run {}: {} should move ({})", run.route().run, slot.link(), cause);
      run.health.failed(slot.requireLink().holder(), now);
    }
    check(now);
  }

  /** The route is live: stages that were to move and have moved are done. */
  void live() {
    wanted.keySet().removeIf(slot -> !run.route().slots().contains(slot));
  }

  void check(long now) {
    if (run.phase() instanceof Phase.Closed) {
      return;
    }
    if (!run.route().isOf(newest)) {
      followPlan(now);
    }
    if (!run.isLive()) {
      return;
    }
    for (var slot : run.route().slots()) {
      if (slot.successor() != null || slot.link() == null) {
        continue;
      }
      var current = slot.requireLink().holder();
      var ready = run.route().ready(slot);
      var cause = wanted.get(slot);
      if (cause != null) {
        run.health.alternative(ready, current, now).ifPresent(to -> begin(slot, to, cause, now));
      } else if (!ready.isEmpty()
          && !ready.getFirst().equals(current)
          && run.route().isOf(newest)
          && run.health.mayReturn(ready.getFirst(), now)
          && now - slot.moved > SETTLING) {
        begin(slot, ready.getFirst(), Recovery.Cause.RE_PLANNED, now);
      }
    }
  }

  private void begin(Slot slot, Holder to, Recovery.Cause cause, long now) {
    LOG.info("run {}: {} moves to {} ({})", run.route().run, slot.link(), to, cause);
    slot.prepare(run.open(run.route(), slot, to, false, now + run.openTime()), cause);
  }

  /** Other plans are followed where that changes no token, or where there is none to change. */
  private void followPlan(long now) {
    boolean exact = newest.plain() && run.route().state().plain();
    boolean fits = newest.pageTokens() == run.route().state().pageTokens();
    if (next != null || now < retry || !fits || !(exact || run.ledger().isIdle())) {
      return;
    }
    retry = now + RETRY;
    var route = new Route(newest, now);
    for (var slot : route.slots().reversed()) {
      var holder = run.health.choose(route.ready(slot), now);
      if (holder.isEmpty()) {
        route.each(StageLink::cut);
        return;
      }
      slot.use(run.open(route, slot, holder.get(), false, now + run.openTime()));
    }
    next = route;
  }

  /** A stage that is not on the route has been opened. */
  void opened(StageLink link) {
    long now = System.nanoTime();
    var slot = run.route().slotBefore(link);
    if (slot.isPresent()) {
      var old = promote(slot.get());
      if (old != null) {
        old.leave();
      }
      run.restart();
    } else if (next != null && next.isOpen()) {
      var route = next;
      next = null;
      wanted.clear();
      LOG.info("run {}: goes on with another plan, over {}", run.route().run, route.peers());
      var before = run.route().slots();
      for (var fresh : route.slots()) {
        var from = before.get(Math.min(fresh.stage, before.size() - 1)).holder();
        if (from != null) {
          fresh.arriveFrom(from, Recovery.Cause.RE_PLANNED, now);
        }
      }
      run.follow(route);
    }
  }

  /** The successor takes its place; gives the link that was there. */
  @Nullable StageLink promote(Slot slot) {
    wanted.remove(slot);
    return slot.promote(System.nanoTime());
  }

  /** A stage that is not on the route could not be opened, or was lost again. */
  void lost(StageLink link, String reason) {
    LOG.info("run {}: {} cannot be moved there: {}", run.route().run, link, reason);
    run.health.failed(link.holder(), System.nanoTime());
    var slot = run.route().slotBefore(link);
    if (slot.isPresent()) {
      slot.get().dropSuccessor();
    } else {
      drop();
    }
  }

  private void drop() {
    if (next != null) {
      next.each(StageLink::cut);
      next = null;
    }
  }

  void each(Consumer<StageLink> action) {
    if (next != null) {
      next.each(action);
    }
  }

  void close() {
    drop();
  }
}
