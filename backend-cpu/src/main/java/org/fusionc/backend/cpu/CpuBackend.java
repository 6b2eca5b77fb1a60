package org.fusionc.backend.cpu;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import jdk.incubator.vector.FloatVector;
import org.fusionc.backend.cpu.jit.Limits;
import org.fusionc.backend.cpu.jit.PackedLinear;
import org.fusionc.backend.cpu.jit.Target;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.kernel.KvPages;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.backend.Peak;
import org.fusionc.ir.backend.Support;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.jspecify.annotations.Nullable;

/** The CPU, by machine code for its tier and by the JDK's Vector API. */
public final class CpuBackend implements Backend {
  /** Stages of one process take turns on the same threads, so a pool per thread count is enough. */
  private static final Map<Integer, ComputePool> POOLS = new ConcurrentHashMap<>();

  /** The system property that names the tier of kernels: {@code auto} or a {@link Tier}. */
  public static final String TIER = "fusionc.cpu.tier";

  private final @Nullable Tier tier;

  /**
   * With the tier that the property {@link #TIER} names when it is used, the best one if it is not
   * set. What is done with a tier that is unknown or does not run here is refused with a
   * diagnostic.
   */
  public CpuBackend() {
    tier = null;
  }

  /** With kernels of a tier that runs here. */
  public CpuBackend(Tier tier) {
    this.tier = tier;
  }

  /** Sums are made lane by lane, so their bits depend on the tier, and on how wide vectors are. */
  @Override
  public String kind() {
    var tier = tier();
    var lanes = tier == Tier.VECTOR ? "_" + FloatVector.SPECIES_PREFERRED.vectorBitSize() : "";
    return name() + "<" + tier.toString().replace('-', '_') + lanes + ">";
  }

  private Tier tier() {
    return tier == null ? Tier.named(System.getProperty(TIER, "auto")) : tier;
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public Support supports(Op op) {
    return KernelTable.choose(op, tier()).support();
  }

  @Override
  public Optional<PackedLayout> layout() {
    return Target.of(tier()).map(Target::layout);
  }

  @Override
  public Module legalize(Module module, String function) {
    return Legalization.run(module, function, tier());
  }

  @Override
  public Executable compile(Module module, String function, WeightLoader weights, Options options) {
    var pool = pool(options.threads());
    var shared =
        new ProgramCompiler.Shared(
            module,
            weights,
            pool,
            options,
            Arena.ofShared(),
            new HashMap<>(),
            new HashMap<>(),
            new HashMap<>(),
            tier(),
            new ArrayList<>());
    try {
      return new Compiled(shared, ProgramCompiler.compile(shared, module.function(function)));
    } catch (RuntimeException | Error failure) {
      free(shared);
      throw failure;
    }
  }

  /** By machine code, so not for the tier that has none. */
  @Override
  public Optional<Peak> peak(int threads) {
    return Target.of(tier()).map(target -> Limits.measure(pool(threads), target));
  }

  private static ComputePool pool(int threads) {
    return POOLS.computeIfAbsent(threads, ComputePool::new);
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
      long packed =
          shared.packed().values().stream()
              .flatMap(List::stream)
              .mapToLong(PackedLinear::bytes)
              .sum();
      return weights + packed + caches + program.bytes();
    }

    @Override
    public void close() {
      program.close();
      free(shared);
    }
  }
}
