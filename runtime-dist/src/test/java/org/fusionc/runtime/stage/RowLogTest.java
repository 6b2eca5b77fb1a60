package org.fusionc.runtime.stage;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.wire.Encoding;
import org.fusionc.runtime.wire.Port;
import org.junit.jupiter.api.Test;

final class RowLogTest {
  private static final Port H =
      new Port("h", DType.Scalar.U8, List.of(2L), Port.Rows.TOKEN, Encoding.PLAIN, 0);
  private static final Port LAST =
      new Port("last", DType.Scalar.U8, List.of(3L), Port.Rows.OUTPUT, Encoding.PLAIN, 0);
  private static final List<Port> PORTS = List.of(H, LAST);

  private static List<ByteString> rows(int... values) {
    var bytes = new byte[2 * values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[2 * i] = (byte) values[i];
      bytes[2 * i + 1] = (byte) -values[i];
    }
    return List.of(ByteString.copyFrom(bytes), ByteString.copyFrom(new byte[3]));
  }

  @Test
  void rowsThatComeAgainReplaceThoseAfterThem() {
    var log = new RowLog(PORTS, 3);
    log.put(7, 0, 1, 3, rows(9, 1, 2, 3));
    log.put(7, 3, 0, 1, rows(4));
    assertThat(log.length(7)).isEqualTo(4);
    assertThat(log.kept(7, 4).orElseThrow().rows(H, 0, 4)).isEqualTo(rows(1, 2, 3, 4).getFirst());
    assertThat(log.kept(7, 4).orElseThrow().rows(LAST, 0, 4)).isEqualTo(ByteString.EMPTY);

    log.put(7, 1, 0, 1, rows(5));
    assertThat(log.length(7)).isEqualTo(2);
    assertThat(log.kept(7, 3)).isEmpty();
    assertThat(log.kept(7, 2).orElseThrow().rows(H, 0, 2)).isEqualTo(rows(1, 5).getFirst());
    log.forget(7);
    assertThat(log.kept(7, 1)).isEmpty();
    assertThat(log.length(7)).isZero();
  }

  @Test
  void keepsNoMoreThanThePagesOfItsSessionsHold() {
    assertThat(RowLog.bytes(PORTS, 16, 10)).isEqualTo(10 * 16 * 2);
    assertThat(RowLog.bytes(List.of(LAST), 16, 10)).isZero();
  }

  @Test
  void whatIsReadStaysAsItWas() {
    var log = new RowLog(PORTS, 3);
    log.put(7, 0, 0, 4, rows(1, 2, 3, 4));
    var kept = log.kept(7, 4).orElseThrow();
    log.put(7, 4, 0, 5, rows(5, 6, 7, 8, 9));
    log.forget(7);
    assertThat(kept.rows(H, 2, 4)).isEqualTo(rows(3, 4).getFirst());
    assertThat(kept.rows(H, 2, 2)).isEqualTo(ByteString.EMPTY);
  }

  @Test
  void replaysArePackedIntoFramesOfBoundedSize() {
    var log = new RowLog(PORTS, 3);
    var sources = new ArrayList<ReplayFrames.Source>();
    int[] lengths = {700, 0, 3, 500};
    for (int session = 0; session < lengths.length; session++) {
      for (int position = 0; position < lengths[session]; position++) {
        log.put(session, position, 0, 1, rows(position % 100));
      }
      var kept = lengths[session] == 0 ? log.kept(0, 0) : log.kept(session, lengths[session]);
      sources.add(new ReplayFrames.Source(session, List.of(session), kept.orElseThrow()));
    }
    var frames = new ArrayList<Activation>();
    new ReplayFrames(PORTS, sources, 5, 2).forEachRemaining(frames::add);

    assertThat(frames)
        .hasSize(3)
        .allSatisfy(frame -> {
          int tokens = frame.getSequencesList().stream().mapToInt(Sequence::getTokens).sum();
          assertThat(tokens).isLessThanOrEqualTo(512);
          assertThat(frame.getTensors(0).getShapeList()).containsExactly((long) tokens, 2L);
          assertThat(frame.getTensors(0).getData().size()).isEqualTo(2 * tokens);
          assertThat(frame.getTensors(1).getShapeList()).containsExactly(0L, 3L);
          assertThat(frame.getEpoch()).isEqualTo(5);
          assertThat(frame.getOutputsCount()).isZero();
        });
    assertThat(frames.stream().map(f -> f.getRebuild().getLast()).toList())
        .containsExactly(false, false, true);
    var second = frames.get(1);
    assertThat(second.getSequencesList().stream().map(Sequence::getSession).toList())
        .containsExactly(0L, 2L, 3L);
    assertThat(second.getSequences(0).getStart()).isEqualTo(512);
    assertThat(second.getTensors(0).getData().substring(0, 2)).isEqualTo(rows(12).getFirst());
  }
}
