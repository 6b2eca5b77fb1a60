package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Rebuild;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.wire.Activations;
import org.fusionc.runtime.wire.Port;

/**
 * The frames of a replay, made one by one as they are sent: all kept rows, packed into frames of
 * bounded size, sessions in order.
 */
final class ReplayFrames implements Iterator<Activation> {
  static final int TOKENS = 512;

  /** Of one frame; a row that is larger goes alone. */
  private static final long BYTES = 16 << 20;

  /** A session's rows and the pages that shall hold its cache. */
  record Source(long session, List<Integer> pages, RowLog.Kept kept) {}

  private record Piece(Source source, int from, int to) {}

  private final List<Port> ports;
  private final List<Source> sources;
  private final long epoch;
  private final int untilStage;
  private final int frameTokens;
  private int index;
  private int position;

  ReplayFrames(List<Port> ports, List<Source> sources, long epoch, int untilStage) {
    this.ports = ports;
    this.sources = sources.stream().filter(source -> source.kept.length() > 0).toList();
    this.epoch = epoch;
    this.untilStage = untilStage;
    long row = ports.stream().mapToLong(Port::rowBytes).sum();
    frameTokens = Math.clamp(BYTES / Math.max(row, 1), 1, TOKENS);
  }

  @Override
  public boolean hasNext() {
    return index < sources.size();
  }

  @Override
  public Activation next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    var pieces = new ArrayList<Piece>();
    int tokens = 0;
    while (tokens < frameTokens && hasNext()) {
      var source = sources.get(index);
      int to = Math.min(source.kept.length(), position + frameTokens - tokens);
      pieces.add(new Piece(source, position, to));
      tokens += to - position;
      position = to;
      if (to == source.kept.length()) {
        index++;
        position = 0;
      }
    }
    return frame(pieces, tokens);
  }

  private Activation frame(List<Piece> pieces, int tokens) {
    var frame =
        Activation.newBuilder()
            .setEpoch(epoch)
            .setRebuild(Rebuild.newBuilder().setUntilStage(untilStage).setLast(!hasNext()));
    for (var piece : pieces) {
      frame.addSequences(
          Sequence.newBuilder()
              .setSession(piece.source.session)
              .setStart(piece.from)
              .setTokens(piece.to - piece.from)
              .addAllPages(piece.source.pages));
    }
    for (var port : ports) {
      var data = ByteString.EMPTY;
      for (var piece : pieces) {
        var rows = piece.source.kept.rows(port, piece.from, piece.to);
        data = port.rows() == Port.Rows.FIXED ? rows : data.concat(rows);
      }
      frame.addTensors(Activations.tensor(port, tokens, 0, data));
    }
    return frame.build();
  }
}
