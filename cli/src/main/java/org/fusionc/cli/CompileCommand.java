package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.fusionc.ir.backend.PackedLayout;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.model.ArtifactBuilder;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.FirFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc compile}. */
@Command(
    name = "compile",
    mixinStandardHelpOptions = true,
    description = "Compiles a model to an artifact, an OCI image layout that run takes as well.")
final class CompileCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private EngineOptions engine = new EngineOptions();

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUT",
      description = "the artifact's directory, to make in one that is there")
  private Path output = Path.of("");

  @Option(
      names = "--pack",
      paramLabel = "LAYOUT",
      description = {
        "store the weights of products as kernels read them: avx512, avx2-vnni, avx2, or auto for",
        "those of --cpu-tier, so that opening the artifact maps them and nothing else; others",
        "unpack them. none stores rows, which any machine packs while loading; so does auto where",
        "kernels read rows (default ${DEFAULT-VALUE})"
      },
      defaultValue = "none")
  private String pack = "none";

  @Option(
      names = "--stop-after",
      paramLabel = "PHASE",
      description = "the last phase to reach (default ${DEFAULT-VALUE})",
      defaultValue = "scheduled")
  private String stopAfter = "scheduled";

  @Option(
      names = "--dump-phases",
      paramLabel = "DIR",
      description = "write the module after each phase there, as FIR; made if it is missing")
  private @Nullable Path dumps;

  @Option(
      names = "--resume",
      paramLabel = "PHASE:FILE.fir",
      description = "begin with this module, which has reached PHASE, instead of importing")
  private @Nullable String resume;

  @Override
  public Integer call() {
    try (var source = model.open()) {
      var commandLine = Objects.requireNonNull(spec).commandLine();
      var start = FirFile.resume(source, resume);
      var until = Phase.of(stopAfter);
      check(start.phase(), until);
      var options =
          new Compiler.Options(
              engine.cut(), engine.backend(), until, FirFile.dumps(dumps), engine.quantize());
      var compiled = Compiler.compile(start.module(), start.phase(), options);
      var digest =
          ArtifactBuilder.write(
              source,
              compiled.module(),
              compiled.phase(),
              output,
              new ArtifactBuilder.Computing(engine.backend(), engine.threads(), layout()),
              (symbol, index, count) -> {
                if (index % 50 == 0) {
                  commandLine.getErr().printf("weights: %d of %d%n", index, count);
                }
              });
      commandLine.getOut().println(output + ": " + digest);
      commandLine.getOut().flush();
    }
    return 0;
  }

  private void check(Phase start, Phase until) {
    if (resume != null && model.choosesCache()) {
      throw Diagnostic.usage(
              "--kv is settled when a model is imported, but --resume begins later",
              "leave --kv away, or import the model anew with it")
          .exception();
    }
    if (until.compareTo(start) < 0) {
      throw Diagnostic.usage(
              "it has been compiled to phase %s, beyond %s".formatted(start, until),
              "leave --stop-after away, or name a later phase")
          .exception();
    }
  }

  private @Nullable PackedLayout layout() {
    return switch (pack) {
      case "none" -> null;
      case "auto" -> engine.backend().layout().orElse(null);
      default ->
          PackedLayout.named(pack)
              .orElseThrow(() ->
                  Diagnostic.usage(
                          "there is no layout '" + pack + "' to pack for",
                          "give none, auto, "
                              + PackedLayout.ALL.stream()
                                  .map(PackedLayout::name)
                                  .collect(Collectors.joining(", ")))
                      .exception());
    };
  }
}
