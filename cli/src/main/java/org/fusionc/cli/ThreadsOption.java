package org.fusionc.cli;

import org.fusionc.runtime.model.Engine;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** On how many threads is computed. */
final class ThreadsOption {
  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "compute threads (default: one per core)")
  private @Nullable Integer threads;

  /**
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it makes no sense
   */
  int threads() {
    return threads == null
        ? Runtime.getRuntime().availableProcessors()
        : Engine.checkThreads(threads);
  }

  boolean isGiven() {
    return threads != null;
  }
}
