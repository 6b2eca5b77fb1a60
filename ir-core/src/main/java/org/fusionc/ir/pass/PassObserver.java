package org.fusionc.ir.pass;

import org.fusionc.ir.Module;

/** Hears what a {@link PassManager} does; dumps of the IR between passes hang on it. */
public interface PassObserver {
  /** A pass is about to run on the module. */
  default void before(Pipeline.Step step, Module module) {}

  /** A pass ran, and its output verified. */
  default void after(Pipeline.Step step, Module module, PassRun run) {}

  /** A pass prints a line. */
  default void printed(String line) {}
}
