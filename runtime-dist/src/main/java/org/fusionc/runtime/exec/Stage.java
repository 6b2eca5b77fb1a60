package org.fusionc.runtime.exec;

import java.util.List;
import java.util.Set;

/** A part of a model that runs: it is handed frames and gives frames, one at a time. */
public interface Stage extends AutoCloseable {
  /** The values that a frame must bring, by name. */
  List<String> inputs();

  /** Those of the inputs that have a row per token; the others have a row per wanted output. */
  Set<String> tokenInputs();

  /** The values that the frame given back brings, by name. */
  List<String> outputs();

  /**
   * Runs one frame; the cache pages that its batch names are read and written. Running the same
   * positions again writes the same cache.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the frame does not fit, or the stage
   *     is lost
   */
  Frame run(Frame frame);

  /** Bytes held for weights and cache. */
  long bytes();

  @Override
  void close();
}
