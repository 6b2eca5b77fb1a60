package org.fusionc.ir.diagnostic;

/**
 * One message to a person: what is wrong, where, and what to do about it.
 *
 * @param failure the kind, which fixes the exit code
 * @param location where it is wrong; {@link Location#unknown()} if there is no place to name
 * @param message what is wrong, and why, in one or two sentences without a final full stop
 * @param remedy what the person can do; empty if there is nothing to suggest
 */
public record Diagnostic(Failure failure, Location location, String message, String remedy) {

  public static Diagnostic invalid(Location location, String message, String remedy) {
    return new Diagnostic(Failure.INVALID_INPUT, location, message, remedy);
  }

  public static Diagnostic infeasible(Location location, String message, String remedy) {
    return new Diagnostic(Failure.INFEASIBLE, location, message, remedy);
  }

  public static Diagnostic failed(Location location, String message, String remedy) {
    return new Diagnostic(Failure.FAILED, location, message, remedy);
  }

  public static Diagnostic usage(String message, String remedy) {
    return new Diagnostic(Failure.USAGE, Location.unknown(), message, remedy);
  }

  /** This diagnostic as something to throw. */
  public DiagnosticException exception() {
    return new DiagnosticException(this);
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    if (location.isKnown()) {
      text.append(location).append(": ");
    }
    text.append(message);
    if (!remedy.isEmpty()) {
      text.append("; ").append(remedy);
    }
    return text.toString();
  }
}
