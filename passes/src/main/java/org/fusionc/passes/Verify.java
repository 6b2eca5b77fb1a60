package org.fusionc.passes;

import org.fusionc.ir.Module;
import org.fusionc.ir.Verifier;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;

/** {@code verify}: changes nothing, fails if the module does not verify. */
public final class Verify implements Pass {
  @Override
  public String name() {
    return "verify";
  }

  @Override
  public String summary() {
    return "Check the module; it is checked after each pass anyway, unless that is turned off.";
  }

  @Override
  public Module run(Module module, PassContext context) {
    return Verifier.check(module);
  }
}
