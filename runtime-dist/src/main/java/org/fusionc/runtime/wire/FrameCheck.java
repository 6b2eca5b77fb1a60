package org.fusionc.runtime.wire;

import com.google.protobuf.ByteString;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Batch;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.WireTensor;

/**
 * Everything that an {@link Activation} must satisfy before it is used. Whatever a message holds,
 * it is either accepted or refused with a {@link FrameRefused}.
 */
public final class FrameCheck {
  /**
   * What bounds a frame.
   *
   * @param stage that checks
   * @param stages of the plan
   * @param context positions of a session
   * @param pageTokens positions per page
   * @param frameTokens tokens of one frame
   */
  public record Limits(int stage, int stages, int context, int pageTokens, int frameTokens) {}

  private final List<Port> inputs;
  private final Limits limits;

  public FrameCheck(List<Port> inputs, Limits limits) {
    this.inputs = List.copyOf(inputs);
    this.limits = limits;
  }

  /**
   * Checks a frame and, if all of it is in order, takes note of its sessions' positions and pages.
   *
   * @param number that it must bear
   * @param sessions of the run; unchanged if the frame is refused
   * @return the frame's batch, with the run's own page numbers
   * @throws FrameRefused naming the first thing that is wrong
   */
  public Batch accept(Activation frame, long number, SessionTable sessions) {
    var where = "frame " + Long.toUnsignedString(frame.getFrame()) + ": ";
    if (frame.getNumber() != number) {
      throw new FrameRefused(
          where
              + "it has the number %s in its stream, but %d comes next"
                  .formatted(Long.toUnsignedString(frame.getNumber()), number));
    }
    var batch = structure(where, frame, sessions);
    int tokens = batch.tokens();
    int outputs = batch.outputs().length;
    checkTensors(where, frame.getTensorsList(), inputs, tokens, outputs);
    frame.getSequencesList().forEach(sessions::accept);
    return batch;
  }

  private Batch structure(String where, Activation frame, SessionTable sessions) {
    int count = frame.getSequencesCount();
    if (count == 0) {
      throw new FrameRefused(where + "it has no sequences");
    }
    if (count > limits.frameTokens) {
      throw new FrameRefused(
          where + "%d sequences are more than %d".formatted(count, limits.frameTokens));
    }
    long tokens = 0;
    int unknown = 0;
    var seen = new HashSet<Long>();
    var taken = new BitSet();
    for (int i = 0; i < count; i++) {
      var sequence = frame.getSequences(i);
      var at = where + "sequences[" + i + "]: ";
      if (!seen.add(sequence.getSession())) {
        throw new FrameRefused(at + session(sequence) + " is in the frame twice");
      }
      sequence(at, sequence, sessions);
      pages(at, sequence, sessions, taken);
      tokens += sequence.getTokens();
      unknown += sessions.knows(sequence.getSession()) ? 0 : 1;
    }
    if (tokens > limits.frameTokens) {
      throw new FrameRefused(
          where + "%d tokens are more than %d".formatted(tokens, limits.frameTokens));
    }
    if (!sessions.hasRoomFor(unknown)) {
      throw new FrameRefused(
          where
              + "%d new sessions are too many: the run has %d already"
                  .formatted(unknown, sessions.size()));
    }
    var outputs = outputs(where, frame, tokens);
    best(where, frame);
    rebuild(where, frame);
    return batch(frame, (int) tokens, outputs);
  }

  private static String session(Sequence sequence) {
    return "session " + Long.toUnsignedString(sequence.getSession());
  }

  private void sequence(String at, Sequence sequence, SessionTable sessions) {
    long start = Integer.toUnsignedLong(sequence.getStart());
    long tokens = Integer.toUnsignedLong(sequence.getTokens());
    if (tokens == 0) {
      throw new FrameRefused(at + session(sequence) + " has no tokens");
    }
    if (start + tokens > limits.context) {
      throw new FrameRefused(
          at
              + "%s has positions %d to %d, but the context is %d"
                  .formatted(session(sequence), start, start + tokens - 1, limits.context));
    }
    int known = sessions.accepted(sequence.getSession());
    if (start > known) {
      throw new FrameRefused(
          at
              + "%s goes on at position %d, but %d of its positions are here"
                  .formatted(session(sequence), start, known));
    }
  }

  private void pages(String at, Sequence sequence, SessionTable sessions, BitSet taken) {
    long end = (long) sequence.getStart() + sequence.getTokens();
    long needed = Math.ceilDiv(end, (long) limits.pageTokens);
    int count = sequence.getPagesCount();
    if (count < needed || count > sessions.pages()) {
      throw new FrameRefused(
          at
              + "%s has %d pages; its %d positions take %d, and the run has %d"
                  .formatted(session(sequence), count, end, needed, sessions.pages()));
    }
    // What is before the first token lies in pages that have been written already.
    int written = Math.ceilDiv(sequence.getStart(), limits.pageTokens);
    for (int i = 0; i < count; i++) {
      int page = sequence.getPages(i);
      var name = "page " + Integer.toUnsignedString(page);
      if (page < 0 || page >= sessions.pages()) {
        throw new FrameRefused(at + name + " is none of the run's " + sessions.pages());
      }
      if (taken.get(page) || sessions.isTaken(page, sequence.getSession())) {
        throw new FrameRefused(at + name + " is in use already");
      }
      taken.set(page);
      int before = sessions.pageAt(sequence.getSession(), i);
      if (i < written && before != page) {
        throw new FrameRefused(
            at
                + "%s has %s where its positions from %d on lie in page %d"
                    .formatted(session(sequence), name, i * limits.pageTokens, before));
      }
    }
  }

  private static int[] outputs(String where, Activation frame, long tokens) {
    int count = frame.getOutputsCount();
    if (count > tokens) {
      throw new FrameRefused(where + "%d outputs of %d tokens".formatted(count, tokens));
    }
    var outputs = new int[count];
    int last = -1;
    for (int i = 0; i < count; i++) {
      int row = frame.getOutputs(i);
      if (row <= last || row >= tokens) {
        throw new FrameRefused(
            where
                + "outputs[%d] is %s; it must be over %d and below %d"
                    .formatted(i, Integer.toUnsignedString(row), last, tokens));
      }
      outputs[i] = row;
      last = row;
    }
    return outputs;
  }

  private static void best(String where, Activation frame) {
    int count = frame.getBestCount();
    if (count > 0 && count != frame.getOutputsCount()) {
      throw new FrameRefused(
          where
              + "it says of %d outputs how much of them is enough, and has %d"
                  .formatted(count, frame.getOutputsCount()));
    }
    if (frame.getBestList().stream().anyMatch(best -> best < 0)) {
      throw new FrameRefused(where + "best must be below 2147483648");
    }
    if (frame.getLogitsCount() > 0) {
      throw new FrameRefused(where + "it brings logits, which are a result");
    }
  }

  private void rebuild(String where, Activation frame) {
    if (!frame.hasRebuild()) {
      return;
    }
    int until = frame.getRebuild().getUntilStage();
    if (until < limits.stage || until >= limits.stages) {
      throw new FrameRefused(
          where
              + "it rebuilds until stage %s, but is at stage %d of %d"
                  .formatted(Integer.toUnsignedString(until), limits.stage, limits.stages));
    }
    if (frame.getOutputsCount() > 0) {
      throw new FrameRefused(where + "it rebuilds, and yet wants outputs");
    }
  }

  private static Batch batch(Activation frame, int tokens, int[] outputs) {
    var sequence = new int[tokens];
    var position = new int[tokens];
    var pages = new ArrayList<int[]>();
    int at = 0;
    for (var each : frame.getSequencesList()) {
      for (int i = 0; i < each.getTokens(); i++, at++) {
        sequence[at] = pages.size();
        position[at] = each.getStart() + i;
      }
      pages.add(each.getPagesList().stream().mapToInt(Integer::intValue).toArray());
    }
    return new Batch(sequence, position, outputs, pages);
  }

  /**
   * Checks that tensors are those of the ports, each once, in any order.
   *
   * @param where begins the message if they are not
   * @throws FrameRefused if one is missing, unknown, or not of the right shape, encoding or length
   */
  public static void checkTensors(
      String where, List<WireTensor> tensors, List<Port> ports, int tokens, int outputs) {
    Map<String, Port> expected = new HashMap<>();
    ports.forEach(port -> expected.put(port.name(), port));
    if (tensors.size() > ports.size()) {
      throw new FrameRefused(
          where + "%d tensors where there must be %d".formatted(tensors.size(), ports.size()));
    }
    for (var tensor : tensors) {
      var port = expected.remove(tensor.getName());
      var at = where + "tensor " + FrameRefused.quoted(tensor.getName()) + ": ";
      if (port == null) {
        throw new FrameRefused(
            at + "it must be one of " + ports.stream().map(Port::name).toList() + ", each once");
      }
      var shape = port.shape(tokens, outputs);
      if (!tensor.getShapeList().equals(shape)) {
        throw new FrameRefused(at + "its shape must be " + shape);
      }
      if (tensor.getEncoding() != port.encoding().proto()) {
        throw new FrameRefused(
            at
                + "it is encoded as %s, but must be as %s"
                    .formatted(tensor.getEncoding(), port.encoding().proto()));
      }
      long bytes = port.rowBytes() * port.rows(tokens, outputs);
      if (tensor.getData().size() != bytes) {
        throw new FrameRefused(
            at + "%d bytes where there must be %d".formatted(tensor.getData().size(), bytes));
      }
      if (port.ids() > 0) {
        checkIds(at, port, tensor.getData());
      }
    }
    if (!expected.isEmpty()) {
      throw new FrameRefused(where + "the tensors " + expected.keySet() + " are missing");
    }
  }

  private static void checkIds(String at, Port port, ByteString data) {
    var ids = data.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; ids.hasRemaining(); i++) {
      long id = port.dtype() == DType.Scalar.I64 ? ids.getLong() : ids.getInt();
      if (id < 0 || id >= port.ids()) {
        throw new FrameRefused(
            at
                + "element %d is %d, but token ids are from 0 to %d"
                    .formatted(i, id, port.ids() - 1));
      }
    }
  }
}
