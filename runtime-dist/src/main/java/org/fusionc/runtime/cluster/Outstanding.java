package org.fusionc.runtime.cluster;

import com.google.protobuf.UnsafeByteOperations;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.exec.Frame;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.BestLogits;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.WireEncoding;
import org.fusionc.runtime.proto.WireTensor;
import org.fusionc.runtime.sampling.Logits;

/**
 * A frame that was submitted and has no result yet.
 *
 * @param number counts the frames of a run
 * @param message for the first stage, without run, epoch and number in its stream
 * @param submitted on the nano clock
 */
record Outstanding(
    long number,
    Frame frame,
    Activation message,
    CompletableFuture<List<Logits>> done,
    long submitted) {
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
      long number,
      Frame frame,
      String input,
      int[] enough,
      CompletableFuture<List<Logits>> done,
      long now) {
    var pieces = pieces(frame, input);
    var message = message(input, pieces).setFrame(number);
    for (int row : frame.batch().outputs()) {
      message.addOutputs(row);
    }
    for (int best : enough) {
      message.addBest(best);
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
   * The logits of the wanted outputs, in order.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the answer does not fit what was asked
   *     for
   */
  List<Logits> result(Activation answer, String peer) {
    int wanted = frame.batch().outputs().length;
    var best = answer.getLogitsList();
    // Whoever wants all of all outputs has not said of each how many are enough.
    int most = message.getBestCount();
    if ((!best.isEmpty() && (best.size() != wanted || most != wanted))
        || answer.getTensorsCount() != 1) {
      throw unfit(
          peer,
          "%d tensors and the logits of %d outputs where %d were wanted"
              .formatted(answer.getTensorsCount(), best.size(), wanted));
    }
    var tensor = answer.getTensors(0);
    var shape = tensor.getShapeList();
    long rows = best.isEmpty() ? wanted : best.stream().filter(b -> b.getIdsCount() == 0).count();
    boolean fits =
        tensor.getEncoding() == WireEncoding.PLAIN
            && shape.size() == 2
            && shape.getFirst() == rows
            && bytes(shape.getLast(), rows) == tensor.getData().size();
    if (!fits) {
      throw unfit(
          peer,
          "%%%s of %s in %d bytes where %d rows of f32 were wanted"
              .formatted(tensor.getName(), shape, tensor.getData().size(), rows));
    }
    var data = MemorySegment.ofBuffer(tensor.getData().asReadOnlyByteBuffer());
    long row = shape.getLast() * Float.BYTES;
    long at = 0;
    var logits = new ArrayList<Logits>();
    for (int i = 0; i < wanted; i++) {
      if (!best.isEmpty() && best.get(i).getIdsCount() > 0) {
        logits.add(best(best.get(i), message.getBest(i), shape.getLast(), peer));
      } else {
        logits.add(new Logits.Row(data.asSlice(at, row)));
        at += row;
      }
    }
    return logits;
  }

  private static Logits best(BestLogits answer, int wanted, long vocabulary, String peer) {
    int count = answer.getIdsCount();
    boolean fits =
        wanted > 0
            && count >= wanted
            && count == answer.getValuesCount()
            && answer.getIdsList().stream().allMatch(id -> id >= 0 && id < vocabulary)
            && (count == 1 || answer.getIdsList().stream().distinct().count() == count);
    if (!fits) {
      throw unfit(
          peer,
          "%d ids and %d logits where the %d largest of %d were wanted, each once"
              .formatted(count, answer.getValuesCount(), wanted, vocabulary));
    }
    var ids = answer.getIdsList().stream().mapToInt(Integer::intValue).toArray();
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = answer.getValues(i);
      if (!(i == 0 ? Float.isFinite(values[i]) : values[i] <= values[i - 1])) {
        throw unfit(peer, "logits that are not in order: %s at %d".formatted(values[i], i));
      }
    }
    return new Logits.Best(ids, values);
  }

  private static DiagnosticException unfit(String peer, String what) {
    return Diagnostic.failed(
            Location.named(peer),
            "it answered with " + what,
            "run the same version of fusionc everywhere")
        .exception();
  }

  private static long bytes(long width, long rows) {
    return width < 0 || width > Integer.MAX_VALUE ? -1 : width * rows * Float.BYTES;
  }
}
