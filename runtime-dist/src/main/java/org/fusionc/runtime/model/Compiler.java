package org.fusionc.runtime.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.fusionc.ir.Module;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.PassRun;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.plan.Plan;
import org.fusionc.partitioner.InProcess;
import org.fusionc.partitioner.Partition;
import org.fusionc.partitioner.PlanChecker;
import org.fusionc.passes.Pipelines;
import org.jspecify.annotations.Nullable;

/**
 * Takes a module through the phases: imported → raised → optimized → quantized → partitioned →
 * lowered → scheduled. Each phase's module can be printed, edited and taken up again.
 */
public final class Compiler {
  /** How a module is cut into stages. */
  public sealed interface Cut {
    /** Not at all. */
    record Whole() implements Cut {}

    /** Into so many stages of about equal cost, all in this process. */
    record Stages(int count) implements Cut {}

    /** As a plan says. */
    record Planned(Plan plan) implements Cut {}

    /** So many stages; one is the whole. */
    static Cut stages(int count) {
      if (count < 1) {
        throw Diagnostic.usage("--stages is " + count, "give 1 or more").exception();
      }
      return count == 1 ? new Whole() : new Stages(count);
    }
  }

  /**
   * What to compile for.
   *
   * @param until the last phase to reach
   * @param snapshots told each phase's module as it is reached
   * @param quantize the formats of weights, as the pass {@code quantize} takes them; null to leave
   *     them as they are
   */
  public record Options(
      Cut cut,
      Backend backend,
      Phase until,
      BiConsumer<Phase, Module> snapshots,
      @Nullable String quantize) {
    /** With the weights as they are. */
    public Options(Cut cut, Backend backend, Phase until, BiConsumer<Phase, Module> snapshots) {
      this(cut, backend, until, snapshots, null);
    }

    /** With the weights as they are; nobody is told of the phases. */
    public static Options of(Cut cut, Backend backend, Phase until) {
      return new Options(cut, backend, until, (phase, module) -> {});
    }

    /** As {@link #of}, uncut. */
    public static Options whole(Backend backend, Phase until) {
      return of(new Cut.Whole(), backend, until);
    }

    /** With the weights in other formats; null to leave them as they are. */
    public Options quantized(@Nullable String rules) {
      return new Options(cut, backend, until, snapshots, rules);
    }
  }

  /**
   * A compiled module.
   *
   * @param runs what the passes did, in order
   */
  public record Compiled(Module module, Phase phase, List<PassRun> runs) {
    /** The functions that run as stages, in order. */
    public List<String> stages() {
      var stages = new ArrayList<String>();
      for (int i = 0; module.functions().containsKey("decode.s" + i); i++) {
        stages.add("decode.s" + i);
      }
      return stages.isEmpty() ? List.of("decode") : List.copyOf(stages);
    }
  }

  private final PassRegistry registry;
  private final PassManager manager;
  private final Options options;
  private final List<PassRun> runs = new ArrayList<>();

  private Compiler(PassRegistry registry, PassManager manager, Options options) {
    this.registry = registry;
    this.manager = manager;
    this.options = options;
  }

  /**
   * Compiles.
   *
   * @param phase the phase that the module has reached already
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a pass, the plan or the backend
   *     refuses
   */
  public static Compiled compile(
      Module module, Phase phase, PassRegistry registry, PassManager manager, Options options) {
    return new Compiler(registry, manager, options).compile(module, phase);
  }

  /** With the built-in passes. */
  public static Compiled compile(Module module, Phase phase, Options options) {
    return compile(module, phase, PassRegistry.load(), new PassManager(), options);
  }

  private Compiled compile(Module start, Phase reached) {
    if (reached.compareTo(Phase.PARTITIONED) >= 0 && !(options.cut instanceof Cut.Whole)) {
      throw Diagnostic.usage(
              "the model has been compiled to phase "
                  + reached
                  + ", and runs in the stages that it was cut into then: "
                  + String.join(", ", new Compiled(start, reached, List.of()).stages()),
              "leave --stages and --plan away, or compile the model anew")
          .exception();
    }
    if (options.until.compareTo(Phase.PARTITIONED) < 0 && !(options.cut instanceof Cut.Whole)) {
      throw Diagnostic.usage(
              "the model is cut in phase partitioned, but %s comes first".formatted(options.until),
              "leave --stages and --plan away, or go on to phase partitioned")
          .exception();
    }
    requireQuantizable(start, reached);
    var module = start;
    var phase = reached;
    for (var next : Phase.values()) {
      if (next.compareTo(reached) > 0 && next.compareTo(options.until) <= 0) {
        module = advance(module, next);
        phase = next;
        options.snapshots.accept(phase, module);
      }
    }
    return new Compiled(module, phase, List.copyOf(runs));
  }

  private void requireQuantizable(Module start, Phase reached) {
    if (options.quantize == null) {
      return;
    }
    if (reached.compareTo(Phase.QUANTIZED) >= 0) {
      throw Diagnostic.usage(
              "the model has been compiled to phase %s, and its matrices are settled: %s"
                  .formatted(reached, formats(start)),
              "leave --quantize away, or compile the model that it was made from with it")
          .exception();
    }
    if (options.until.compareTo(Phase.QUANTIZED) < 0) {
      throw Diagnostic.usage(
              "weights are quantised in phase quantized, but %s comes first"
                  .formatted(options.until),
              "leave --quantize away, or go on to phase quantized")
          .exception();
    }
  }

  /** What the matrices that are read are stored as. */
  private static String formats(Module module) {
    var read = ComputedWeights.read(module);
    return module.weights().values().stream()
        .filter(weight -> read.contains(weight.symbol()) && weight.type().rank() > 1)
        .map(weight -> weight.type().dtype().toString())
        .distinct()
        .collect(Collectors.joining(", "));
  }

  private Module advance(Module module, Phase phase) {
    return switch (phase) {
      case IMPORTED -> module;
      case RAISED -> run(module, Pipelines.raise());
      case OPTIMIZED -> run(module, Pipelines.optimize());
      case QUANTIZED ->
          options.quantize == null ? module : run(module, Pipelines.quantize(options.quantize));
      case PARTITIONED -> partition(module);
      case LOWERED -> lower(module);
      // Ops are in an order that runs; a backend plans its memory from it.
      case SCHEDULED -> module;
    };
  }

  private Module run(Module module, String pipeline) {
    var outcome = manager.run(module, Pipeline.parse(pipeline, registry));
    runs.addAll(outcome.runs());
    return outcome.module();
  }

  private Module partition(Module module) {
    return switch (options.cut) {
      case Cut.Whole() -> module;
      case Cut.Stages(int count) -> Partition.apply(module, InProcess.stages(module, count));
      case Cut.Planned(Plan plan) -> Partition.apply(module, PlanChecker.check(module, plan));
    };
  }

  private Module lower(Module module) {
    var lowered = run(module, Pipelines.lower());
    for (var stage : new Compiled(module, Phase.PARTITIONED, List.of()).stages()) {
      lowered = options.backend.legalize(lowered, stage);
    }
    return lowered;
  }

  /** The backend of that name among those installed. */
  public static Backend backend(String name) {
    var names = new ArrayList<String>();
    Optional<Backend> found = Optional.empty();
    for (var backend : java.util.ServiceLoader.load(Backend.class)) {
      names.add(backend.name());
      if (backend.name().equals(name)) {
        found = Optional.of(backend);
      }
    }
    return found.orElseThrow(() ->
        Diagnostic.usage(
                "there is no backend '" + name + "'", "there are " + String.join(" and ", names))
            .exception());
  }

  /** The module must have a decoder that can run. */
  static void requireDecoder(Module module, String name) {
    if (!module.functions().containsKey("decode") && !module.functions().containsKey("decode.s0")) {
      throw Diagnostic.invalid(
              Location.named(name), "the module has no function @decode", "it is no decoder")
          .exception();
    }
  }
}
