package org.fusionc.testsuite.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import java.util.List;
import java.util.stream.Stream;
import org.fusionc.ir.DType;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Rebuild;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.WireTensor;
import org.fusionc.runtime.wire.Decoder;
import org.fusionc.runtime.wire.Encoding;
import org.fusionc.runtime.wire.FrameCheck;
import org.fusionc.runtime.wire.FrameRefused;
import org.fusionc.runtime.wire.Port;
import org.fusionc.runtime.wire.SessionTable;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Frames as a stage checks them. A frame is refused, and then changes nothing; or it is what the
 * ports say, and can be sent on.
 */
class FrameFuzzTest {
  private static final int PAGES = 8;

  /** What a later version may add is not sent on. */
  private static final Parser<Activation> PARSER =
      DiscardUnknownFieldsParser.wrap(Activation.parser());

  private static final List<Port> PORTS =
      List.of(
          new Port("ids", DType.Scalar.I32, List.of(), Port.Rows.TOKEN, Encoding.PLAIN, 1024),
          new Port("plain", DType.Scalar.F32, List.of(2L), Port.Rows.TOKEN, Encoding.PLAIN, 0),
          new Port("f16", DType.Scalar.F32, List.of(2L), Port.Rows.TOKEN, Encoding.F16, 0),
          new Port("bf16", DType.Scalar.F32, List.of(1L, 2L), Port.Rows.TOKEN, Encoding.BF16, 0),
          new Port("q8", DType.Scalar.F32, List.of(2L), Port.Rows.OUTPUT, Encoding.Q8, 0),
          new Port("fixed", DType.Scalar.F32, List.of(1L), Port.Rows.FIXED, Encoding.PLAIN, 0));

  static Stream<byte[]> seeds() {
    return Stream.of(
        Seeds.seed().with(0, frame(0, 0, 1)).with(0, frame(1, 1, 1)).bytes(),
        Seeds.seed().with(0, frame(0, 0, 5)).bytes(),
        Seeds.seed()
            .with(
                0,
                frame(0, 0, 2).toBuilder()
                    .clearOutputs()
                    .setRebuild(Rebuild.newBuilder().setUntilStage(1).setLast(true))
                    .build())
            .bytes(),
        Seeds.seed().with(0, frame(0, 0, 1).toBuilder().clearTensors().build()).bytes());
  }

  private static Activation frame(int number, int start, int tokens) {
    var frame =
        Activation.newBuilder()
            .setNumber(number)
            .addSequences(
                Sequence.newBuilder()
                    .setSession(7)
                    .setStart(start)
                    .setTokens(tokens)
                    .addAllPages(List.of(2, 5)))
            .addOutputs(tokens - 1);
    for (var port : PORTS) {
      frame.addTensors(
          WireTensor.newBuilder()
              .setName(port.name())
              .addAllShape(port.shape(tokens, 1))
              .setEncoding(port.encoding().proto())
              .setData(
                  ByteString.copyFrom(new byte[(int) (port.rowBytes() * port.rows(tokens, 1))])));
    }
    return frame.build();
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void frames(byte[] input) {
    var check = new FrameCheck(PORTS, new FrameCheck.Limits(0, 2, 64, 4, 32));
    var decoder = new Decoder(PORTS);
    var sessions = new SessionTable(PAGES, 4, 3);
    long number = 0;
    for (var part : Seeds.parts(input)) {
      Activation message;
      try {
        message = part.as(PARSER);
      } catch (InvalidProtocolBufferException malformed) {
        return;
      }
      int before = sessions.size();
      try {
        var batch = check.accept(message, number, sessions);
        number++;
        assertThat(batch.tokens()).isBetween(1, 32);
        assertThat(batch.pages()).hasSameSizeAs(message.getSequencesList());
        var tensors =
            decoder.decode(message.getTensorsList(), batch.tokens(), batch.outputs().length);
        assertThat(tensors).hasSameSizeAs(PORTS);
        assertThat(sessions.size()).isBetween(1, 3);
      } catch (FrameRefused refused) {
        assertThat(refused.getMessage()).isNotBlank().hasSizeLessThan(2000);
        assertThat(sessions.size()).isEqualTo(before);
      }
    }
  }
}
