package org.fusionc.runtime.stage;

import java.util.List;
import org.fusionc.ir.backend.Batch;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.wire.Activations;
import org.fusionc.runtime.wire.Port;

/**
 * A frame that waits to be computed.
 *
 * @param batch of the message, which has been checked
 */
record QueuedFrame(Batch batch, Activation message) {
  long epoch() {
    return message.getEpoch();
  }

  /** The coordinator's number of the frame, in words. */
  String number() {
    return Long.toUnsignedString(message.getFrame());
  }

  /** Whether it brings one token for each of its sessions, and for the first time. */
  boolean isDecode() {
    return !message.hasRebuild() && batch.tokens() == message.getSequencesCount();
  }

  /** Bytes that it holds. */
  long bytes() {
    return message.getSerializedSize();
  }

  /** The message that goes on. */
  Activation result(List<Port> ports, Results results) {
    var result =
        Activation.newBuilder()
            .setEpoch(message.getEpoch())
            .setFrame(message.getFrame())
            .addAllSequences(message.getSequencesList())
            .addAllOutputs(message.getOutputsList())
            .addAllBest(message.getBestList())
            .addAllLogits(results.best());
    int outputs = results.wholeOutputs(batch.outputs().length);
    for (int i = 0; i < ports.size(); i++) {
      var rows = results.rows().get(i);
      result.addTensors(Activations.tensor(ports.get(i), batch.tokens(), outputs, rows));
    }
    if (message.hasRebuild()) {
      result.setRebuild(message.getRebuild());
    }
    return result.build();
  }
}
