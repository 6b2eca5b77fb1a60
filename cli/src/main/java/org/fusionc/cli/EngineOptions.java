package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Objects;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.FirFile;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.model.Repacking;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command that runs a model takes. */
final class EngineOptions {
  private static final String CPU = "cpu";

  @Spec(Spec.Target.MIXEE)
  private @Nullable CommandSpec command;

  /** How the model is cut; at most one of these. */
  static final class CutOptions {
    @Option(
        names = "--stages",
        paramLabel = "N",
        description = {
          "cut the model into N stages of about equal cost, in this process; with --cluster, over",
          "N peers (default: 1, and as many as is best)"
        })
    private @Nullable Integer stages;

    @Option(
        names = "--plan",
        paramLabel = "FILE.fir",
        description = "cut the model as this plan says")
    private @Nullable Path plan;
  }

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description =
          "cpu, or interp for the reference interpreter, which has no --cpu-tier"
              + " and no --threads"
              + " (default ${DEFAULT-VALUE})",
      defaultValue = CPU)
  private String backend = CPU;

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @Mixin private CpuTierOption tier = new CpuTierOption();

  @ArgGroup private CutOptions cut = new CutOptions();

  @Mixin private QuantizeOption quantize = new QuantizeOption();

  /** The formats of weights; null to leave them as they are. */
  @Nullable String quantize() {
    return quantize.rules();
  }

  int threads() {
    return threads.threads();
  }

  /** Whether this process computes with machine code or the Vector API. */
  boolean isCpu() {
    return backend.equals(CPU);
  }

  Backend backend() {
    var chosen = Compiler.backend(backend);
    if (!isCpu() && (tier.isGiven() || threads.isGiven())) {
      throw Diagnostic.usage(
              (tier.isGiven() ? "--cpu-tier chooses kernels" : "--threads are those")
                  + " of the backend cpu, but --backend is "
                  + backend,
              "leave one of them out")
          .exception();
    }
    return chosen;
  }

  /**
   * Refuses what says how this process computes, since others will.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException naming the option
   */
  void requireNothingForHere() {
    var idle =
        threads.isGiven()
            ? "--threads"
            : tier.isGiven() ? "--cpu-tier" : isCpu() ? null : "--backend";
    if (idle != null) {
      throw Diagnostic.usage(
              idle + " says how this process computes, but with --cluster its peers do",
              "leave it away; fusionc peer takes --threads and --cpu-tier")
          .exception();
    }
  }

  /** Tells that loading takes longer than it had to. */
  void tellRepacking(ModelSource source) {
    Repacking.notice(source.module().weights().values(), backend())
        .ifPresent(notice -> {
          var messages = Objects.requireNonNull(command).commandLine().getErr();
          messages.println("fusionc: " + source.name() + ": " + notice);
          messages.flush();
        });
  }

  Compiler.Cut cut() {
    return cut.plan != null
        ? new Compiler.Cut.Planned(FirFile.readPlan(cut.plan))
        : Compiler.Cut.stages(cut.stages == null ? 1 : cut.stages);
  }

  /** As the other, for a cluster: one stage is another wish than none. */
  Compiler.Cut remoteCut() {
    var local = cut();
    return cut.stages == null || cut.stages > 1 ? local : new Compiler.Cut.Stages(1);
  }

  /** Compiles and starts; the cache has room for so many positions. */
  Engine start(ModelSource source, int positions) {
    var settings =
        new Engine.Options(threads(), source.context(), Engine.pages(positions, 1), false);
    return start(source, settings);
  }

  /** Compiles and starts; so many sessions at once have so many positions each. */
  Engine start(ModelSource source, int context, int sessions) {
    var settings = new Engine.Options(threads(), context, Engine.pages(context, sessions), false);
    return start(source, settings);
  }

  /** As above, where sequences may be longer than what the cache has room for at once. */
  Engine start(ModelSource source, int context, int positions, int sessions) {
    var settings = new Engine.Options(threads(), context, Engine.pages(positions, sessions), false);
    return start(source, settings);
  }

  private Engine start(ModelSource source, Engine.Options settings) {
    tellRepacking(source);
    var options = Compiler.Options.of(cut(), backend(), Phase.SCHEDULED).quantized(quantize());
    var compiled = Compiler.compile(source.module(), source.phase(), options);
    return Engine.start(source, compiled, backend(), settings);
  }
}
