package org.fusionc.runtime.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.WireTensor;

/**
 * Frames as messages and back. What is sent is encoded once, into the array that the message then
 * holds; what is received is decoded once, from the message into memory that kernels read.
 */
public final class Activations {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Activations() {}

  /**
   * A frame's sequences, wanted outputs and tensors as a message; the rest is the caller's.
   *
   * @param ports the frame's tensors, each by name
   */
  public static Activation.Builder of(Frame frame, List<Port> ports) {
    var batch = frame.batch();
    var message = Activation.newBuilder().addAllSequences(sequences(frame.sessions(), batch));
    for (int output : batch.outputs()) {
      message.addOutputs(output);
    }
    for (var port : ports) {
      var tensor = frame.tensors().get(port.name());
      if (tensor == null) {
        throw new IllegalArgumentException("the frame has no tensor " + port.name());
      }
      message.addTensors(
          tensor(port, batch.tokens(), batch.outputs().length, ByteString.EMPTY).toBuilder()
              .setData(encode(port, tensor, batch.tokens(), batch.outputs().length)));
    }
    return message;
  }

  /** The sequences of a batch, whose tokens stand session by session at consecutive positions. */
  public static List<Sequence> sequences(List<Long> sessions, Batch batch) {
    var sequences = new ArrayList<Sequence>();
    int end = 0;
    for (int first = 0; first < batch.tokens(); first = end) {
      int row = batch.sequence()[first];
      end = first;
      while (end < batch.tokens() && batch.sequence()[end] == row) {
        end++;
      }
      var sequence =
          Sequence.newBuilder()
              .setSession(sessions.get(row))
              .setStart(batch.position()[first])
              .setTokens(end - first);
      for (int page : batch.pages().get(row)) {
        sequence.addPages(page);
      }
      sequences.add(sequence.build());
    }
    return sequences;
  }

  /**
   * A tensor's rows as they travel.
   *
   * @param data of the port's dtype and shape in such a batch
   */
  public static ByteString encode(Port port, Tensor data, int tokens, int outputs) {
    int rows = port.rows(tokens, outputs);
    var bytes = new byte[Math.toIntExact(rows * port.rowBytes())];
    port.encoding()
        .encode(data.data(), port.dtype(), rows, port.width(), MemorySegment.ofArray(bytes));
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  /** The message of a port's tensor whose rows have been encoded already. */
  public static WireTensor tensor(Port port, int tokens, int outputs, ByteString data) {
    return WireTensor.newBuilder()
        .setName(port.name())
        .setEncoding(port.encoding().proto())
        .addAllShape(port.shape(tokens, outputs))
        .setData(data)
        .build();
  }

  /**
   * The tensors of a message, decoded, in the order of the ports; the memory is their own.
   *
   * @param tensors that {@link FrameCheck#checkTensors} has let pass
   * @throws FrameRefused if a token id is outside of the vocabulary
   */
  public static SequencedMap<String, Tensor> tensors(
      List<WireTensor> tensors, List<Port> ports, int tokens, int outputs) {
    var decoded = new LinkedHashMap<String, Tensor>();
    for (var port : ports) {
      for (var tensor : tensors) {
        if (tensor.getName().equals(port.name())) {
          decoded.put(port.name(), decode(port, tensor.getData(), tokens, outputs));
        }
      }
    }
    return decoded;
  }

  private static Tensor decode(Port port, ByteString data, int tokens, int outputs) {
    int rows = port.rows(tokens, outputs);
    var shape = port.shape(tokens, outputs);
    long bytes = Elements.bytes(port.dtype(), rows * port.width());
    var memory = Arena.ofAuto().allocate(Math.max(bytes, 1), 64).asSlice(0, bytes);
    var from = MemorySegment.ofBuffer(data.asReadOnlyByteBuffer());
    port.encoding().decode(from, port.dtype(), rows, port.width(), memory);
    if (port.ids() > 0) {
      checkIds(port, memory, rows * port.width());
    }
    return new Tensor(port.dtype(), shape, memory);
  }

  private static void checkIds(Port port, MemorySegment memory, long count) {
    for (long i = 0; i < count; i++) {
      long id =
          port.dtype() == DType.Scalar.I64
              ? memory.getAtIndex(LONG, i)
              : port.dtype() == DType.Scalar.I32 ? memory.getAtIndex(Tensor.INT, i) : 0;
      if (id < 0 || id >= port.ids()) {
        throw new FrameRefused(
            "tensor '%s': element %d is %d, but token ids are from 0 to %d"
                .formatted(port.name(), i, id, port.ids() - 1));
      }
    }
  }
}
