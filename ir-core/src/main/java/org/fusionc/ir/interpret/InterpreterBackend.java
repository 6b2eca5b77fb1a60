package org.fusionc.ir.interpret;

import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Support;
import org.fusionc.ir.backend.WeightLoader;

/** The interpreter as the backend {@code interp}: one thread, every op. */
public final class InterpreterBackend implements Backend {
  @Override
  public String name() {
    return "interp";
  }

  @Override
  public Support supports(Op op) {
    return new Support.Yes("interpret " + op.name());
  }

  @Override
  public Module legalize(Module module, String function) {
    return module;
  }

  @Override
  public Executable compile(Module module, String function, WeightLoader weights, Options options) {
    return new InterpretedFunction(module, module.function(function), weights, options);
  }
}
