package org.fusionc.cli;

import java.nio.file.Path;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Engine;
import org.fusionc.runtime.model.FirFile;
import org.fusionc.runtime.model.ModelSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What every command that runs a model takes. */
final class EngineOptions {
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
      description = "cpu, or interp for the reference interpreter (default ${DEFAULT-VALUE})",
      defaultValue = "cpu")
  private String backend = "cpu";

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @SuppressWarnings("UnusedVariable") // It acts when it is parsed.
  @Mixin
  private CpuTierOption tier = new CpuTierOption();

  @ArgGroup private CutOptions cut = new CutOptions();

  @Mixin private QuantizeOption quantize = new QuantizeOption();

  /** The formats of weights; null to leave them as they are. */
  @Nullable String quantize() {
    return quantize.rules();
  }

  int threads() {
    return threads.threads();
  }

  Backend backend() {
    return Compiler.backend(backend);
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
    var options = Compiler.Options.of(cut(), backend(), Phase.SCHEDULED).quantized(quantize());
    var compiled = Compiler.compile(source.module(), source.phase(), options);
    return Engine.start(source, compiled, backend(), settings);
  }
}
