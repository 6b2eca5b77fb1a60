package org.fusionc.runtime.cluster;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.WireEncoding;
import org.fusionc.runtime.proto.WireTensor;

/**
 * A frame that was submitted and has no result yet.
 *
 * @param number counts the frames of a run
 * @param message for the first stage, without run, epoch and number in its stream
 * @param submitted on the nano clock
 */
record Outstanding(
    long number, Frame frame, Activation message, CompletableFuture<Frame> done, long submitted) {
  /** Tokens of one session in a frame. */
  record Piece(long session, int start, int[] ids, int[] pages) {
    Sequence sequence() {
      var sequence =
          Sequence.newBuilder().setSession(session).setStart(start).setTokens(ids.length);
      for (int page : pages) {
        sequence.addPages(page);
      }
      return sequence.build();
    }
  }

  static Outstanding of(
      long number, Frame frame, String input, CompletableFuture<Frame> done, long now) {
    var pieces = pieces(frame, input);
    var message = message(input, pieces).setFrame(number);
    for (int row : frame.batch().outputs()) {
      message.addOutputs(row);
    }
    return new Outstanding(number, frame, message.build(), done, now);
  }

  /** Whether a session has its first tokens in it. */
  boolean beginsSession() {
    return message.getSequencesList().stream().anyMatch(sequence -> sequence.getStart() == 0);
  }

  /** The frame's tokens, by session. */
  static List<Piece> pieces(Frame frame, String input) {
    var batch = frame.batch();
    var tensor = frame.tensors().get(input);
    if (tensor == null) {
      throw new IllegalArgumentException("a frame without %" + input);
    }
    var ids = tensor.data().toArray(Tensor.INT);
    var pieces = new ArrayList<Piece>();
    int end;
    for (int first = 0; first < batch.tokens(); first = end) {
      int row = batch.sequence()[first];
      end = first;
      while (end < batch.tokens() && batch.sequence()[end] == row) {
        end++;
      }
      pieces.add(
          new Piece(
              frame.sessions().get(row),
              batch.position()[first],
              java.util.Arrays.copyOfRange(ids, first, end),
              batch.pages().get(row)));
    }
    return pieces;
  }

  /** Tokens for the first stage; no output is wanted yet. */
  static Activation.Builder message(String input, List<Piece> pieces) {
    int tokens = pieces.stream().mapToInt(p -> p.ids.length).sum();
    var data = new byte[tokens * Integer.BYTES];
    var memory = MemorySegment.ofArray(data);
    long at = 0;
    var message = Activation.newBuilder();
    for (var piece : pieces) {
      message.addSequences(piece.sequence());
      MemorySegment.copy(piece.ids, 0, memory, Tensor.INT, at, piece.ids.length);
      at += (long) piece.ids.length * Integer.BYTES;
    }
    return message.addTensors(
        WireTensor.newBuilder()
            .setName(input)
            .setEncoding(WireEncoding.PLAIN)
            .addShape(tokens)
            .setData(UnsafeByteOperations.unsafeWrap(data)));
  }

  /**
   * The last stage's frame.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it does not fit what was asked for
   */
  Frame result(Activation answer, String peer) {
    int wanted = frame.batch().outputs().length;
    var tensors = new LinkedHashMap<String, Tensor>();
    for (var tensor : answer.getTensorsList()) {
      var shape = tensor.getShapeList();
      boolean fits =
          tensor.getEncoding() == WireEncoding.PLAIN
              && shape.size() == 2
              && shape.getFirst() == wanted
              && bytes(shape.getLast(), wanted) == tensor.getData().size();
      if (!fits) {
        throw Diagnostic.failed(
                Location.named(peer),
                "it answered with %%%s of %s in %d bytes where %d rows of f32 were wanted"
                    .formatted(tensor.getName(), shape, tensor.getData().size(), wanted),
                "run the same version of fusionc everywhere")
            .exception();
      }
      tensors.put(tensor.getName(), new Tensor(DType.Scalar.F32, shape, memory(tensor.getData())));
    }
    if (tensors.isEmpty()) {
      throw Diagnostic.failed(
              Location.named(peer),
              "it answered without a tensor",
              "run the same version of fusionc everywhere")
          .exception();
    }
    return new Frame(frame.sessions(), frame.batch(), tensors);
  }

  private static long bytes(long width, int rows) {
    return width < 0 || width > Integer.MAX_VALUE ? -1 : width * rows * Float.BYTES;
  }

  private static MemorySegment memory(ByteString data) {
    return MemorySegment.ofBuffer(data.asReadOnlyByteBuffer());
  }
}
