package org.fusionc.frontend.safetensors;

import java.util.Locale;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Module;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/**
 * Gives an imported module's weights out of its model directory: each is a view of the mapped file,
 * valid until the checkpoint is closed.
 */
public final class CheckpointWeights implements WeightLoader {
  private final Checkpoint checkpoint;

  public CheckpointWeights(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  @Override
  public Tensor load(Module.WeightDef weight) {
    if (!(weight.source() instanceof WeightSource.File(String file, String name))) {
      throw Diagnostic.invalid(
              Location.named("@" + weight.symbol()),
              "the weight is not stored in a file of a model directory",
              "run the module where its weights are, or import it again")
          .exception();
    }
    var shape = weight.type().dims().stream().map(Dim::value).toList();
    StoredTensor stored = checkpoint.require(name, shape);
    if (!stored.file().equals(file)) {
      throw Diagnostic.invalid(
              at(stored),
              "@%s expects the tensor in %s".formatted(weight.symbol(), file),
              "the module was imported from other files; import it again")
          .exception();
    }
    if (!stored.dtype().name().toLowerCase(Locale.ROOT).equals(weight.type().dtype().toString())) {
      throw Diagnostic.invalid(
              at(stored),
              "it is stored as %s, but @%s is %s"
                  .formatted(stored.dtype(), weight.symbol(), weight.type()),
              "declare the weight as it is stored and cast it, or import the module again")
          .exception();
    }
    return new Tensor(weight.type().dtype(), shape, checkpoint.bytes(name));
  }

  private Location at(StoredTensor stored) {
    return HeaderReader.at(checkpoint.directory().resolve(stored.file()), stored.name());
  }
}
