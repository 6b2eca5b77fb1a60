package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;

/** Collects what is wrong with a text, so that a person gets all of it at once. */
final class Problems {
  /** More than this is likely to be one cause, and nobody reads it. */
  static final int LIMIT = 20;

  /** Thrown when the limit is reached, past everything that recovers from a single error. */
  static final class TooMany extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private final List<Diagnostic> found = new ArrayList<>();

  void report(DiagnosticException error) {
    error.diagnostics().forEach(d -> report(d));
  }

  void report(Diagnostic diagnostic) {
    found.add(diagnostic);
    if (found.size() >= LIMIT) {
      throw new TooMany();
    }
  }

  void report(Location location, String message, String remedy) {
    report(Diagnostic.invalid(location, message, remedy));
  }

  int count() {
    return found.size();
  }

  /** Throws what was found, in the order of the text; nothing if all is well. */
  void throwIfAny() {
    if (!found.isEmpty()) {
      found.sort(
          Comparator.<Diagnostic>comparingInt(
                  d -> d.location() instanceof Location.Text t ? t.line() : 0)
              .thenComparingInt(d -> d.location() instanceof Location.Text t ? t.column() : 0));
      throw new DiagnosticException(found);
    }
  }
}
