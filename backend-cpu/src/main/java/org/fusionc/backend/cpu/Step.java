package org.fusionc.backend.cpu;

/** One op of a compiled function: reads and writes the run's segments. */
@FunctionalInterface
interface Step {
  void run(Run run);
}
