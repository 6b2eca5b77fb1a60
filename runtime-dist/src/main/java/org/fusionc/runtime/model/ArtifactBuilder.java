package org.fusionc.runtime.model;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.stream.Collectors;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.WeightSource;
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

  private ArtifactBuilder() {}

  /**
   * Writes the artifact; the same model, module and phase give the same bytes.
   *
   * @return the digest of its manifest
   */
  public static String write(
      ModelSource source, Module module, Phase phase, Path target, Progress progress) {
    try (var writer = ArtifactWriter.create(target)) {
      var loader = source.weights();
      var weights = new LinkedHashMap<String, WeightDef>();
      int index = 0;
      for (var weight : module.weights().values()) {
        progress.weight(weight.symbol(), index++, module.weights().size());
        if (weight.source() instanceof WeightSource.Computed) {
          weights.put(weight.symbol(), weight);
        } else {
          var bytes = loader.load(weight).data();
          writer.addTensor(weight.symbol(), bytes);
          var blob = new WeightSource.Blob(writer.digest(weight.symbol()));
          weights.put(weight.symbol(), new WeightDef(weight.symbol(), weight.type(), blob));
        }
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
