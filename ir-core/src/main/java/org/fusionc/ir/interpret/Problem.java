package org.fusionc.ir.interpret;

import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;

/**
 * What is wrong with the values that an evaluator met; {@link Program} adds the op and its place.
 */
final class Problem extends DiagnosticException {
  private static final long serialVersionUID = 1L;

  Problem(String message, String remedy) {
    super(Diagnostic.failed(Location.unknown(), message, remedy));
  }

  /** The same with the place where it is wrong before it. */
  DiagnosticException at(Location location, String place) {
    var problem = diagnostics().getFirst();
    return Diagnostic.failed(location, place + ": " + problem.message(), problem.remedy())
        .exception();
  }
}
