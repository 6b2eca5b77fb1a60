package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import java.util.List;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Rebuild;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.wire.Activations;
import org.fusionc.runtime.wire.Port;
import org.jspecify.annotations.Nullable;

/**
 * A frame that waits; of its message only what goes on with its results.
 *
 * @param number the coordinator's
 * @param rebuild of a frame of a replay
 * @param bytes that its tensors hold
 */
record QueuedFrame(
    Frame frame,
    List<Sequence> sequences,
    long epoch,
    long number,
    @Nullable Rebuild rebuild,
    long bytes) {
  static QueuedFrame of(Frame frame, Activation message) {
    return new QueuedFrame(
        frame,
        message.getSequencesList(),
        message.getEpoch(),
        message.getFrame(),
        message.hasRebuild() ? message.getRebuild() : null,
        frame.tensors().values().stream().mapToLong(t -> t.data().byteSize()).sum());
  }

  /** The message that goes on. */
  Activation result(List<Port> ports, List<ByteString> results) {
    var batch = frame.batch();
    var message =
        Activation.newBuilder().setEpoch(epoch).setFrame(number).addAllSequences(sequences);
    for (int output : batch.outputs()) {
      message.addOutputs(output);
    }
    for (int i = 0; i < ports.size(); i++) {
      message.addTensors(
          Activations.tensor(ports.get(i), batch.tokens(), batch.outputs().length, results.get(i)));
    }
    if (rebuild != null) {
      message.setRebuild(rebuild);
    }
    return message.build();
  }
}
