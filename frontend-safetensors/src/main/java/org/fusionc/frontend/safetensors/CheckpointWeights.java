package org.fusionc.frontend.safetensors;

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
    checkpoint.require(name, shape);
    return new Tensor(weight.type().dtype(), shape, checkpoint.bytes(name));
  }
}
