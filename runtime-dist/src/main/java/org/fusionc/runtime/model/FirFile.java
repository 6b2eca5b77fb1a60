package org.fusionc.runtime.model;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BiConsumer;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Verifier;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.OutputPlace;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.runtime.artifact.Artifact;
import org.jspecify.annotations.Nullable;

/** FIR text in files: models, plans, phase dumps, reproducers. */
public final class FirFile {
  /** A module, and the phase that it has reached. */
  public record Start(Module module, Phase phase) {}

  private FirFile() {}

  /**
   * Reads and parses.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException with line and column if it is no FIR
   */
  public static FirParser.Document read(Path file, OpRegistry ops) {
    return FirParser.parseDocument(text(file), file.toString(), new Graph(), ops);
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException notText) {
      throw Diagnostic.invalid(
              Location.named(file.toString()), "it is not text in UTF-8", "give a FIR file")
          .exception();
    } catch (IOException failure) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "it cannot be read: " + IoReason.of(failure),
              "check the path")
          .exception();
    }
  }

  /** The plan in a FIR file. */
  public static Plan readPlan(Path file) {
    return read(file, OpRegistry.builtIn())
        .module()
        .plan()
        .orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named(file.toString()), "it has no plan", "make one with fusionc plan")
                .exception());
  }

  /**
   * The module of a model directory, an artifact or a FIR file.
   *
   * @param phase how far to compile it first; null leaves it as it is
   * @param quantize the formats of weights; null to leave them as they are
   */
  public static Module open(
      Path path,
      @Nullable String phase,
      Compiler.Cut cut,
      Backend backend,
      @Nullable String quantize) {
    if (Files.isDirectory(path) || Artifact.isArtifact(path)) {
      try (var source = ModelSource.open(path, null)) {
        return advance(new Start(source.module(), source.phase()), phase, cut, backend, quantize);
      }
    }
    // A file does not say its phase; passes that have nothing left to do leave it alone.
    var module = read(path, OpRegistry.builtIn()).module();
    return advance(new Start(module, Phase.IMPORTED), phase, cut, backend, quantize);
  }

  private static Module advance(
      Start start,
      @Nullable String phase,
      Compiler.Cut cut,
      Backend backend,
      @Nullable String quantize) {
    if (phase == null) {
      if (quantize != null) {
        throw Diagnostic.usage(
                "weights are quantised in phase quantized, but no phase is named",
                "add --phase quantized, or a later one")
            .exception();
      }
      if (!(cut instanceof Compiler.Cut.Whole)) {
        throw Diagnostic.usage(
                "the model is cut in phase partitioned, but no phase is named",
                "add --phase partitioned, or a later one")
            .exception();
      }
      return start.module;
    }
    var until = Phase.of(phase);
    if (until.compareTo(start.phase) < 0) {
      throw Diagnostic.usage(
              "it has been compiled to phase " + start.phase + ", beyond " + until,
              "print the model that it was made from")
          .exception();
    }
    var options = Compiler.Options.of(cut, backend, until).quantized(quantize);
    return Compiler.compile(start.module, start.phase, options).module();
  }

  /**
   * Where compilation begins: at the model itself, or at an edited snapshot of a later phase.
   *
   * @param resume {@code PHASE:FILE.fir}, or null
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the file is no FIR, or its weights are
   *     not the source's
   */
  public static Start resume(ModelSource source, @Nullable String resume) {
    if (resume == null) {
      return new Start(source.module(), source.phase());
    }
    int colon = resume.indexOf(':');
    if (colon < 0) {
      throw Diagnostic.usage(
              "'" + resume + "' does not say which phase the file has reached",
              "write PHASE:FILE.fir, for example optimized:dump/optimized.fir")
          .exception();
    }
    var file = Path.of(resume.substring(colon + 1));
    var phase = Phase.of(resume.substring(0, colon));
    var module = Verifier.check(read(file, OpRegistry.builtIn()).module());
    for (var weight : module.weights().values()) {
      var misfit = source.misfit(weight);
      if (misfit.isPresent()) {
        throw Diagnostic.invalid(
                Location.named(file.toString()),
                "it is not of %s: %s".formatted(source.name(), misfit.get()),
                "give the model that it was made from, or a phase that was dumped of this one")
            .exception();
      }
    }
    return new Start(module, phase);
  }

  /**
   * Writes each phase's module to a file of the phase's name; does nothing without a directory.
   *
   * @param directory made if it is not there, in a directory that is
   */
  public static BiConsumer<Phase, Module> dumps(@Nullable Path directory) {
    if (directory == null) {
      return (phase, module) -> {};
    }
    OutputPlace.require(directory);
    try {
      Files.createDirectories(directory);
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(directory.toString()),
              "phases cannot be written there: " + IoReason.of(failure),
              "name a directory in which you may write")
          .exception();
    }
    return (phase, module) ->
        write(FirPrinter.print(module), directory.resolve(phase + ".fir"), null);
  }

  /**
   * Writes text to a file, or to the terminal if there is no file.
   *
   * @param file in a directory that is there
   */
  public static void write(String text, @Nullable Path file, @Nullable PrintWriter terminal) {
    if (file == null) {
      if (terminal != null) {
        terminal.print(text);
        terminal.flush();
      }
      return;
    }
    OutputPlace.require(file);
    try {
      Files.writeString(file, text);
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(file.toString()),
              "it cannot be written: " + IoReason.of(failure),
              "check the path")
          .exception();
    }
  }
}
