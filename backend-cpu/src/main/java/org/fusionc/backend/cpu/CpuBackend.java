package org.fusionc.backend.cpu;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Support;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;

/** The CPU, by the JDK's Vector API. */
public final class CpuBackend implements Backend {
  /** Stages of one process take turns on the same threads, so a pool per thread count is enough. */
  private static final Map<Integer, ComputePool> POOLS = new ConcurrentHashMap<>();

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public Support supports(Op op) {
    return KernelTable.choose(op).support();
  }

  @Override
  public Module legalize(Module module, String function) {
    return Legalization.run(module, function);
  }

  @Override
  public Executable compile(Module module, String function, WeightLoader weights, Options options) {
    var pool = POOLS.computeIfAbsent(options.threads(), ComputePool::new);
    var shared =
        new ProgramCompiler.Shared(
            module, weights, pool, options, Arena.ofShared(), new HashMap<>(), new ArrayList<>());
    try {
      return new Compiled(shared, ProgramCompiler.compile(shared, module.function(function)));
    } catch (RuntimeException | Error failure) {
      free(shared);
      throw failure;
    }
  }

  private static void free(ProgramCompiler.Shared shared) {
    shared.caches().forEach(KvPages::close);
    shared.arena().close();
  }

  private record Compiled(ProgramCompiler.Shared shared, Program program) implements Executable {
    @Override
    public List<Tensor> run(Batch batch, List<Tensor> inputs) {
      return program.run(shared.pool(), batch, inputs);
    }

    @Override
    public long bytes() {
      long weights = shared.weights().values().stream().mapToLong(w -> w.byteSize()).sum();
      long caches = shared.caches().stream().mapToLong(KvPages::bytes).sum();
      return weights + caches + program.bytes();
    }

    @Override
    public void close() {
      program.close();
      free(shared);
    }
  }
}
