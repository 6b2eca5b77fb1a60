package org.fusionc.cli;

import java.util.Optional;
import org.fusionc.partitioner.Objective;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a plan is to be good at. */
final class ObjectiveOption {
  @Option(
      names = "--objective",
      paramLabel = "GOAL",
      description = "${COMPLETION-CANDIDATES} (default LATENCY)")
  private @Nullable Objective objective;

  /** What was asked for, if anything. */
  Optional<Objective> given() {
    return Optional.ofNullable(objective);
  }

  Objective objective() {
    return given().orElse(Objective.LATENCY);
  }
}
