package org.fusionc.runtime.model;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.stream.Collectors;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.runtime.artifact.ArtifactWriter;
import org.fusionc.runtime.artifact.MediaTypes;

/** Writes a compiled module with its weights and companions as an artifact. */
public final class ArtifactBuilder {
  /** Hears which weight is being written, and how many there are. */
  @FunctionalInterface
  public interface Progress {
    void weight(String symbol, int index, int count);
  }

  /** What computes the weights that are to be stored as they come out. */
  public record Computing(Backend backend, int threads) {}

  private ArtifactBuilder() {}

  /** As below, with weights computed by the reference interpreter. */
  public static String write(
      ModelSource source, Module module, Phase phase, Path target, Progress progress) {
    var computing = new Computing(Compiler.backend("interp"), 1);
    return write(source, module, phase, target, computing, progress);
  }

  /**
   * Writes the artifact; the same model, module and phase give the same bytes. From phase quantized
   * on, weights that are computed from others (merged, packed) are stored computed, so that they
   * are mapped when the artifact is opened; what they were made of is not stored.
   *
   * @return the digest of its manifest
   */
  public static String write(
      ModelSource source,
      Module module,
      Phase phase,
      Path target,
      Computing computing,
      Progress progress) {
    try (var writer = ArtifactWriter.create(target)) {
      var loader = source.weights();
      boolean isSettled = phase.compareTo(Phase.QUANTIZED) >= 0;
      var read = isSettled ? ComputedWeights.read(module) : module.weights().keySet();
      var computed = new ComputedWeights(module, loader, computing.backend, computing.threads);
      var weights = new LinkedHashMap<String, WeightDef>();
      int index = 0;
      for (var weight : module.weights().values()) {
        if (!read.contains(weight.symbol())) {
          continue;
        }
        progress.weight(weight.symbol(), index++, read.size());
        if (!(weight.source() instanceof WeightSource.Computed)) {
          writer.addTensor(weight.symbol(), loader.load(weight).data());
        } else if (isSettled && ComputedWeights.isWorthStoring(weight)) {
          try (var opened = computed.open(weight)) {
            writer.addTensor(weight.symbol(), opened.tensor().data());
          }
        } else {
          weights.put(weight.symbol(), weight);
          continue;
        }
        var blob = new WeightSource.Blob(writer.digest(weight.symbol()));
        weights.put(weight.symbol(), new WeightDef(weight.symbol(), weight.type(), blob));
      }
      source.companions().forEach((file, text) -> writer.addText(file, MediaTypes.JSON, text));
      var text = FirPrinter.print(module.withWeights(weights));
      writer.addText(ArtifactSource.MODULE, MediaTypes.FIR, text);
      writer.property(ArtifactSource.PHASE, phase.toString());
      writer.property(
          ArtifactSource.END_OF_TEXT,
          source.endOfText().stream().map(String::valueOf).collect(Collectors.joining(",")));
      return writer.finish();
    }
  }
}
