package org.fusionc.runtime.stage;

/**
 * One stage of one run.
 *
 * @param run a UUID; only its first characters are ever shown, since it admits to the run
 */
record RunKey(String run, int stage) {
  @Override
  public String toString() {
    return "run " + run.substring(0, Math.min(8, run.length())) + "… stage " + stage;
  }
}
