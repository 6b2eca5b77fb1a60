package org.fusionc.runtime.cluster;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.proto.Fault;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What to do when a stage says that something is wrong, or nobody says anything for too long. Of
 * the run's thread.
 */
final class Faults {
  private static final Logger LOG = LoggerFactory.getLogger(Faults.class);
  private static final long SOON = Duration.ofSeconds(5).toNanos();
  private static final long PAUSE = Duration.ofMillis(400).toNanos();

  private final Run run;
  private int refusals;
  private int computeFailures;
  private String lastReason = "";

  Faults(Run run) {
    this.run = run;
  }

  /** What went wrong last; empty if nothing did. */
  String lastReason() {
    return lastReason;
  }

  /** An answer came: whatever was wrong is not any longer. */
  void answered() {
    refusals = 0;
    computeFailures = 0;
  }

  /** A peer was lost: whoever refused because of this does not refuse any longer. */
  void lost(String reason) {
    lastReason = reason;
    refusals = 0;
  }

  /** A status in one line. */
  static String text(Status status) {
    var cause = status.getCause();
    return status.getCode()
        + (status.getDescription() == null ? "" : ": " + status.getDescription())
        + (cause == null || cause.getMessage() == null ? "" : ": " + cause.getMessage());
  }

  /** The stream of frames to the first stage has ended. */
  void framesEnded(Status status) {
    if (isRefusal(status)) {
      refused(0, text(status));
    } else {
      brokenEdge(0, text(status));
    }
  }

  void heard(Slot slot, Fault fault) {
    if (fault.getKind() == Fault.Kind.DRAINING) {
      run.moves().want(slot, Recovery.Cause.DRAINED);
      return;
    }
    if (fault.getEpoch() != run.epoch()) {
      return;
    }
    LOG.info(
        "run {}: {} says {}: {}",
        run.route().run,
        slot.link(),
        fault.getKind(),
        fault.getMessage());
    switch (fault.getKind()) {
      case DOWNSTREAM_LOST -> brokenEdge(slot.stage + 1, fault.getMessage());
      case DOWNSTREAM_REFUSED -> refused(slot.stage + 1, fault.getMessage());
      default -> computeFailed(slot, fault.getMessage());
    }
  }

  /** A stage is not reached by the one before it, though we hear from both, as far as we know. */
  void brokenEdge(int stage, String reason) {
    if (stage >= run.route().slots().size() || run.route().slots().get(stage).link() == null) {
      return;
    }
    long now = System.nanoTime();
    var slot = run.route().slots().get(stage);
    lastReason = reason;
    LOG.info("run {}: {} is cut off: {}", run.route().run, slot.link(), reason);
    if (now - slot.downstreamLost > SOON) {
      slot.downstreamLost = now;
      slot.blame(Recovery.Cause.CUT_OFF);
      run.restart();
      return;
    }
    for (var other :
        stage == 0 ? List.of(slot) : List.of(slot, run.route().slots().get(stage - 1))) {
      var link = other.link();
      if (link != null
          && run.health.alternative(run.route().ready(other), link.holder(), now).isPresent()) {
        run.lose(other, Recovery.Cause.CUT_OFF, false, reason);
        return;
      }
    }
    run.episode().begin(now);
    slot.blame(Recovery.Cause.CUT_OFF);
    run.pause(now + PAUSE);
  }

  void refused(int stage, String reason) {
    if (stage >= run.route().slots().size()) {
      return;
    }
    var slot = run.route().slots().get(stage);
    if (slot.link() == null) {
      return;
    }
    lastReason = reason;
    int count = refusals + 1;
    if (count > 1) {
      count = 0;
      failAll("%s was refused: %s".formatted(stageName(stage), reason), "update all peers");
    }
    // Opened anew, here or elsewhere: what it holds and what we hold of the run do not agree.
    run.lose(slot, Recovery.Cause.REFUSED, false, reason);
    refusals = count;
  }

  private void computeFailed(Slot slot, String reason) {
    lastReason = reason;
    computeFailures++;
    if (computeFailures > 1) {
      computeFailures = 0;
      failAll(
          "%s could not compute: %s".formatted(stageName(slot.stage), reason),
          "see the peer's log");
    }
    var link = slot.link();
    if (link != null
        && run.health
            .alternative(run.route().ready(slot), link.holder(), System.nanoTime())
            .isPresent()) {
      run.lose(slot, Recovery.Cause.FAILED, false, reason);
    } else {
      slot.markDamaged();
      slot.blame(Recovery.Cause.FAILED);
      run.restart();
    }
  }

  private static boolean isRefusal(Status status) {
    return switch (status.getCode()) {
      case INVALID_ARGUMENT, OUT_OF_RANGE, DATA_LOSS -> true;
      default -> false;
    };
  }

  /** Fails what has waited too long, or waits for what will not come. */
  void checkDeadline(long now) {
    if (!run.episode().isUnderWay() || !run.ledger().hasOutstanding()) {
      return;
    }
    if (run.moves().isRemoved() && !run.route().vacancies().isEmpty()) {
      failAll("it has been removed from the cluster, and " + missing(), "deploy it again");
      return;
    }
    long since = Math.max(run.episode().lastProgress(), run.ledger().oldest());
    if (now - since > run.options.deadline().toNanos()) {
      failAll(
          "the run could not go on for %d s: %s"
              .formatted(run.options.deadline().toSeconds(), missing()),
          "start more peers, or wait longer");
      run.episode().progressed(now);
    }
  }

  private String missing() {
    var missing = run.route().vacancies();
    var what = missing.isEmpty() ? "no answer came" : String.join(", ", missing);
    return lastReason.isEmpty() ? what : what + " (" + lastReason + ")";
  }

  private String stageName(int stage) {
    return String.valueOf(run.route().slots().get(stage).link());
  }

  private void failAll(String message, String remedy) {
    var location = Location.named("deployment " + run.route().state().name());
    var cause = new Diagnostic(Failure.CLUSTER, location, message, remedy).exception();
    var failed = run.ledger().drain();
    LOG.warn("run {}: {} frames fail: {}", run.route().run, failed.size(), message);
    failed.forEach(item -> item.done().completeExceptionally(cause));
  }
}
