package org.fusionc.runtime.stage;

import java.util.List;
import java.util.concurrent.Semaphore;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Support;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.runtime.model.Compiler;

/** The CPU, on a machine that is as slow as the test wants and fails at one position. */
final class GatedBackend implements Backend {
  static final int FAILING_POSITION = 100;

  private final Backend cpu = Compiler.backend("cpu");
  private final Semaphore gate;

  /**
   * @param gate gives one permit for each batch that may run
   */
  GatedBackend(Semaphore gate) {
    this.gate = gate;
  }

  @Override
  public String name() {
    return "gated";
  }

  @Override
  public Support supports(Op op) {
    return cpu.supports(op);
  }

  @Override
  public Module legalize(Module module, String function) {
    return cpu.legalize(module, function);
  }

  @Override
  public Executable compile(Module module, String function, WeightLoader weights, Options options) {
    var executable = cpu.compile(module, function, weights, options);
    return new Executable() {
      @Override
      public List<Tensor> run(Batch batch, List<Tensor> inputs) {
        gate.acquireUninterruptibly();
        if (batch.position()[0] == FAILING_POSITION) {
          throw new IllegalStateException("the memory module has gone");
        }
        return executable.run(batch, inputs);
      }

      @Override
      public long bytes() {
        return executable.bytes();
      }

      @Override
      public void close() {
        executable.close();
      }
    };
  }
}
