package org.fusionc.cli;

import org.fusionc.runtime.model.Engine;
import picocli.CommandLine.Option;

/** On how many threads is computed. */
final class ThreadsOption {
  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "compute threads (default: one per core)")
  private int threads = Runtime.getRuntime().availableProcessors();

  /**
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it makes no sense
   */
  int threads() {
    return Engine.checkThreads(threads);
  }
}
