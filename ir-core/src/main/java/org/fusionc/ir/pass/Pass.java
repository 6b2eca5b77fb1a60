package org.fusionc.ir.pass;

import java.util.List;
import org.fusionc.ir.Module;

/**
 * A pass over a module. A plug-in brings passes by listing their classes, which need a public
 * constructor without parameters, in {@code META-INF/services/org.fusionc.ir.pass.Pass} of its jar.
 * A pass keeps no state between runs.
 */
public interface Pass {
  /** What pipelines call it: lower case with hyphens, as in {@code fuse-add-rms-norm}. */
  String name();

  /** One sentence for {@code fusionc passes}. */
  String summary();

  default List<PassOption> options() {
    return List.of();
  }

  /**
   * The changed module; the one given if there is nothing to change.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the input is at fault; any other
   *     exception is an error in the pass, and leaves a reproducer file
   */
  Module run(Module module, PassContext context);
}
