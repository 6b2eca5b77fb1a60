package org.fusionc.frontend.safetensors;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Module;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * Gives an imported module's weights out of its model directory: each is a view of the mapped file,
 * valid until the checkpoint is closed.
 */
public final class CheckpointWeights implements WeightLoader {
  private final Checkpoint checkpoint;

  public CheckpointWeights(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  /**
   * Why a weight is not to be had from here; empty if it is. What was imported from this checkpoint
   * always is, so the module is of another model, or was edited.
   */
  public Optional<String> misfit(Module.WeightDef weight) {
    if (!(weight.source() instanceof WeightSource.File(String file, String name))) {
      return Optional.of(
          "@%s is not stored in a file of a model directory".formatted(weight.symbol()));
    }
    var found = checkpoint.find(name);
    if (found.isEmpty()) {
      return Optional.of(
          "@%s is the tensor '%s', and the weights have none of that name%s"
              .formatted(
                  weight.symbol(),
                  name,
                  Suggestion.nearest(name, checkpoint.tensors().keySet())
                      .map(near -> " (the nearest is '" + near + "')")
                      .orElse("")));
    }
    var stored = found.get();
    var type = weight.type();
    var dtype = stored.dtype().name().toLowerCase(Locale.ROOT);
    if (!stored.shape().equals(shape(weight)) || !dtype.equals(type.dtype().toString())) {
      return Optional.of(
          "@%s is %s, but the tensor '%s' is stored as %s%s"
              .formatted(weight.symbol(), type, name, dtype, stored.shape()));
    }
    return stored.file().equals(file)
        ? Optional.empty()
        : Optional.of(
            "@%s is the tensor '%s' of %s, but that is in %s"
                .formatted(weight.symbol(), name, file, stored.file()));
  }

  @Override
  public Tensor load(Module.WeightDef weight) {
    checkpoint.requireWeights();
    var misfit = misfit(weight);
    if (misfit.isPresent()
        || !(weight.source() instanceof WeightSource.File(String _, String name))) {
      throw Diagnostic.invalid(
              Location.named(checkpoint.directory().toString()),
              "the module is not of this model: " + misfit.orElseThrow(),
              "run it where its weights are, or import the model again")
          .exception();
    }
    return new Tensor(weight.type().dtype(), shape(weight), checkpoint.bytes(name));
  }

  private static List<Long> shape(Module.WeightDef weight) {
    return weight.type().dims().stream().map(Dim::value).toList();
  }
}
