package org.fusionc.runtime.model;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.frontend.safetensors.CheckpointWeights;
import org.fusionc.frontend.safetensors.architecture.ArchitectureTable;
import org.fusionc.frontend.safetensors.architecture.ModelImporter;
import org.fusionc.ir.DType;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Phase;

/** A Hugging Face model directory; weights are mapped from its safetensors files. */
final class DirectorySource implements ModelSource {
  private final Path directory;
  private final Checkpoint checkpoint;
  private final Module module;

  private DirectorySource(Path directory, Checkpoint checkpoint, Module module) {
    this.directory = directory;
    this.checkpoint = checkpoint;
    this.module = module;
  }

  static DirectorySource open(Path directory, DType.Scalar cacheDtype) {
    var checkpoint = Checkpoint.open(directory);
    try {
      var importer = new ModelImporter(ArchitectureTable.builtIn(), cacheDtype);
      return new DirectorySource(
          directory, checkpoint, importer.importModel(checkpoint, new Graph()));
    } catch (RuntimeException failure) {
      checkpoint.close();
      throw failure;
    }
  }

  @Override
  public String name() {
    return directory.toString();
  }

  @Override
  public Module module() {
    return module;
  }

  @Override
  public Phase phase() {
    return Phase.IMPORTED;
  }

  @Override
  public WeightLoader weights() {
    checkpoint.requireWeights();
    return new CheckpointWeights(checkpoint);
  }

  @Override
  public WeightLoader weights(Collection<String> symbols) {
    return weights();
  }

  @Override
  public Optional<String> misfit(WeightDef weight) {
    return weight.source() instanceof WeightSource.Computed || !checkpoint.hasWeights()
        ? Optional.empty()
        : new CheckpointWeights(checkpoint).misfit(weight);
  }

  @Override
  public Optional<String> companion(String file) {
    var path = directory.resolve(file);
    if (!Files.isRegularFile(path)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Files.readString(path));
    } catch (CharacterCodingException notText) {
      throw Diagnostic.invalid(
              Location.named(path.toString()), "it is not text in UTF-8", "download it again")
          .exception();
    } catch (IOException failure) {
      throw Diagnostic.invalid(
              Location.named(path.toString()),
              "it cannot be read: " + IoReason.of(failure),
              "check the file's permissions")
          .exception();
    }
  }

  @Override
  public Set<Integer> endOfText() {
    var stops = new LinkedHashSet<>(generation().endOfText());
    if (stops.isEmpty()) {
      stops.addAll(checkpoint.config().endOfTextIds());
    }
    return stops;
  }

  @Override
  public void close() {
    checkpoint.close();
  }
}
