package org.fusionc.ir.diagnostic;

/** What kind of failure a diagnostic reports; each has a documented process exit code. */
public enum Failure {
  /** Something went wrong that is not the input's fault, such as a pass that broke an invariant. */
  FAILED(1),
  /** The command line or an API was used wrongly. */
  USAGE(2),
  /** An input file, or text in it, is invalid or asks for what is not supported. */
  INVALID_INPUT(3),
  /** No plan satisfies the constraints, or a hand-written plan contradicts them. */
  INFEASIBLE(4),
  /** The cluster cannot be reached or was lost. */
  CLUSTER(5);

  private final int exitCode;

  Failure(int exitCode) {
    this.exitCode = exitCode;
  }

  public int exitCode() {
    return exitCode;
  }
}
