package org.fusionc.ir.backend;

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
}
