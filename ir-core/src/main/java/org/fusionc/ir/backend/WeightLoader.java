package org.fusionc.ir.backend;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.fusionc.ir.Module.WeightDef;

/**
 * Finds the bytes of weights that are stored: in files of a model directory or blobs of an
 * artifact.
 */
@FunctionalInterface
public interface WeightLoader {
  /**
   * The weight's tensor, usually a mapping of its file.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the file or tensor is missing or unfit
   */
  Tensor load(WeightDef weight);

  /**
   * The weight's bytes as they are stored, if they lie in a packed layout; else {@link #load} gives
   * them.
   *
   * @return aligned to 64 bytes
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the file or blob is missing or unfit
   */
  default Optional<Packed> packed(WeightDef weight) {
    return Optional.empty();
  }

  /** Bytes in a layout. */
  record Packed(PackedLayout layout, MemorySegment data) {}
}
