package org.fusionc.ir.diagnostic;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Thrown when work cannot go on; carries what to tell the person. The CLI prints no stack trace for
 * it.
 */
public class DiagnosticException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<Diagnostic> diagnostics;

  public DiagnosticException(Diagnostic diagnostic) {
    this(List.of(diagnostic));
  }

  /**
   * @param diagnostics at least one; the first one's kind decides the exit code
   */
  public DiagnosticException(List<Diagnostic> diagnostics) {
    super(diagnostics.stream().map(Diagnostic::toString).collect(Collectors.joining("\n")));
    this.diagnostics = List.copyOf(diagnostics);
  }

  public List<Diagnostic> diagnostics() {
    return diagnostics;
  }

  public Failure failure() {
    return diagnostics.getFirst().failure();
  }
}
