package org.fusionc.runtime.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.fusionc.ir.DType;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Rebuild;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.WireEncoding;
import org.fusionc.runtime.proto.WireTensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class FrameCheckTest {
  private static final List<Port> PORTS =
      List.of(
          new Port("h", DType.Scalar.F32, List.of(40L), Port.Rows.TOKEN, Encoding.Q8, 0),
          new Port("last", DType.Scalar.F32, List.of(2L, 3L), Port.Rows.OUTPUT, Encoding.F16, 0),
          new Port("ids", DType.Scalar.I32, List.of(), Port.Rows.TOKEN, Encoding.PLAIN, 100));
  private static final FrameCheck CHECK =
      new FrameCheck(PORTS, new FrameCheck.Limits(1, 3, 64, 4, 32));

  private static SessionTable table() {
    return new SessionTable(10, 4, 3);
  }

  private static Sequence.Builder sequence(long session, int start, int tokens, Integer... pages) {
    return Sequence.newBuilder()
        .setSession(session)
        .setStart(start)
        .setTokens(tokens)
        .addAllPages(List.of(pages));
  }

  private static Activation.Builder frame(List<Integer> outputs, Sequence.Builder... sequences) {
    var frame = Activation.newBuilder().addAllOutputs(outputs);
    int tokens = 0;
    for (var sequence : sequences) {
      frame.addSequences(sequence);
      tokens += sequence.getTokens();
    }
    for (var port : PORTS) {
      var bytes = new byte[(int) (port.rows(tokens, outputs.size()) * port.rowBytes())];
      frame.addTensors(
          Activations.tensor(port, tokens, outputs.size(), ByteString.copyFrom(bytes)));
    }
    return frame;
  }

  private static Activation.Builder valid() {
    return frame(List.of(4, 6), sequence(1, 0, 5, 0, 1), sequence(2, 0, 2, 7));
  }

  @Test
  void aFrameIsTakenAndItsSessionsGrow() {
    var sessions = table();
    var batch = CHECK.accept(valid().build(), 0, sessions);
    assertThat(batch.sequence()).containsExactly(0, 0, 0, 0, 0, 1, 1);
    assertThat(batch.position()).containsExactly(0, 1, 2, 3, 4, 0, 1);
    assertThat(batch.outputs()).containsExactly(4, 6);
    assertThat(sessions.accepted(1)).isEqualTo(5);

    // Positions may come again, and what is after them has to come again as well.
    CHECK.accept(frame(List.of(), sequence(1, 2, 1, 0)).setNumber(1).build(), 1, sessions);
    assertThat(sessions.accepted(1)).isEqualTo(3);
    assertThatThrownBy(() ->
            CHECK.accept(
                frame(List.of(), sequence(1, 5, 1, 0, 1)).setNumber(2).build(), 2, sessions))
        .hasMessageContaining("goes on at position 5, but 3 of its positions are here");

    sessions.rewind();
    assertThat(sessions.accepted(1)).isZero();
    sessions.forget(1);
    CHECK.accept(frame(List.of(), sequence(3, 0, 5, 0, 1)).setNumber(2).build(), 2, sessions);
  }

  private static Activation next(int number, Sequence.Builder sequence) {
    return frame(List.of(), sequence).setNumber(number).build();
  }

  /** What lies in pages that a session has not written may be another's. */
  @Test
  void aSessionThatBeginsAnewInOtherPagesHasNothingThere() {
    var sessions = table();
    var first = sequence(1, 0, 8, 0, 1);
    CHECK.accept(next(0, first), 0, sessions);
    sessions.computed(first.build());
    var grown = sequence(1, 8, 1, 0, 1, 2);
    CHECK.accept(next(1, grown), 1, sessions);
    sessions.computed(grown.build());
    assertThat(sessions.computed(1)).as("more pages").isEqualTo(9);

    CHECK.accept(next(2, sequence(1, 4, 1, 0, 7)), 2, sessions);
    assertThat(sessions.computed(1)).as("the first page is the same").isEqualTo(4);
    CHECK.accept(next(3, sequence(1, 0, 1, 5, 6, 8)), 3, sessions);
    sessions.rewind();
    assertThatThrownBy(() -> CHECK.accept(next(4, sequence(1, 4, 1, 5, 6)), 4, sessions))
        .hasMessageContaining("session 1 goes on at position 4, but 0 of its positions are here");
  }

  /** Nor may frames of before say that it has, which are computed only now. */
  @Test
  void whatWasUnderWayToOtherPagesDoesNotCount() {
    var sessions = table();
    var first = sequence(1, 0, 8, 0, 1);
    CHECK.accept(next(0, first), 0, sessions);
    CHECK.accept(next(1, sequence(1, 0, 1, 5, 6)), 1, sessions);
    sessions.computed(first.build());
    sessions.rewind();
    assertThatThrownBy(() -> CHECK.accept(next(2, sequence(1, 8, 1, 5, 6, 7)), 2, sessions))
        .hasMessageContaining("session 1 goes on at position 8, but 0 of its positions are here");
  }

  @Test
  void tensorsSurviveTheWay() {
    var decoder = new Decoder(PORTS);
    var sent = valid().getTensorsList();
    for (int time = 0; time < 2; time++) {
      var decoded = decoder.decode(sent, 7, 2);
      assertThat(decoded.get(1).shape()).containsExactly(2L, 2L, 3L);
      assertThat(decoded).allMatch(tensor -> tensor.data().address() % 64 == 0);
      for (int i = 0; i < PORTS.size(); i++) {
        var again = Activations.encode(PORTS.get(i), decoded.get(i), 7, 2);
        assertThat(Activations.tensor(PORTS.get(i), 7, 2, again)).isEqualTo(sent.get(i));
      }
    }
    assertThat(decoder.decode(sent, 7, 2).get(0).data())
        .as("the memory is used again")
        .isEqualTo(decoder.decode(sent, 7, 2).get(0).data());
  }

  private static Arguments refused(String message, Consumer<Activation.Builder> change) {
    return Arguments.of(message, change);
  }

  private static Consumer<Activation.Builder> tensor(
      int index, Consumer<WireTensor.Builder> change) {
    return frame -> change.accept(frame.getTensorsBuilder(index));
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        refused("it has the number 1 in its stream, but 0 comes next", f -> f.setNumber(1)),
        refused("it has no sequences", Activation.Builder::clearSequences),
        refused("it says of 1 outputs how much of them is enough, and has 2", f -> f.addBest(1)),
        refused("best must be below", f -> f.addBest(1).addBest(-1)),
        refused(
            "it brings logits",
            f -> f.addLogits(org.fusionc.runtime.proto.BestLogits.newBuilder())),
        refused(
            "sequences[1]: session 1 is in the frame twice",
            f -> f.getSequencesBuilder(1).setSession(1)),
        refused(
            "sequences[0]: session 1 has no tokens", f -> f.getSequencesBuilder(0).setTokens(0)),
        refused(
            "session 1 goes on at position 1, but 0", f -> f.getSequencesBuilder(0).setStart(1)),
        refused(
            "positions 4294967295 to 4294967299, but the context is 64",
            f -> f.getSequencesBuilder(0).setStart(-1)),
        refused("but the context is 64", f -> f.getSequencesBuilder(0).setTokens(65)),
        refused(
            "37 tokens are more than 32",
            f -> f.getSequencesBuilder(0).setTokens(35).addAllPages(List.of(2, 3, 4, 5, 6, 8, 9))),
        refused(
            "session 1 has 1 pages; its 5 positions take 2, and the run has 10",
            f -> f.getSequencesBuilder(0).clearPages().addPages(0)),
        refused(
            "page 4294967295 is none of the run's 10",
            f -> f.getSequencesBuilder(0).setPages(0, -1)),
        refused("page 10 is none of the run's 10", f -> f.getSequencesBuilder(0).setPages(0, 10)),
        refused(
            "sequences[1]: page 1 is in use already", f -> f.getSequencesBuilder(1).setPages(0, 1)),
        refused(
            "sequences[0]: page 0 is in use already", f -> f.getSequencesBuilder(0).setPages(1, 0)),
        refused("outputs[1] is 4; it must be over 4 and below 7", f -> f.setOutputs(1, 4)),
        refused("outputs[1] is 7; it must be", f -> f.setOutputs(1, 7)),
        refused("outputs[0] is 4294967295; it must be", f -> f.setOutputs(0, -1)),
        refused(
            "it rebuilds, and yet wants outputs",
            f -> f.setRebuild(Rebuild.newBuilder().setUntilStage(2))),
        refused(
            "it rebuilds until stage 0, but is at stage 1 of 3",
            f -> f.setRebuild(Rebuild.getDefaultInstance())),
        refused(
            "it rebuilds until stage 3", f -> f.setRebuild(Rebuild.newBuilder().setUntilStage(3))),
        refused("the tensors [ids] are missing", f -> f.removeTensors(2)),
        refused("4 tensors where there must be 3", f -> f.addTensors(f.getTensors(0))),
        refused(
            "tensor 'h': it must be one of [h, last, ids], each once",
            tensor(1, t -> t.setName("h"))),
        refused("tensor 'last': its shape must be [2, 2, 3]", tensor(1, t -> t.setShape(0, 3))),
        refused(
            "tensor 'h': it is encoded as F16, but must be as Q8",
            tensor(0, t -> t.setEncoding(WireEncoding.F16))),
        refused("but must be as Q8", tensor(0, t -> t.setEncodingValue(77))),
        refused(
            "tensor 'ids': 27 bytes where there must be 28",
            tensor(2, t -> t.setData(t.getData().substring(1)))),
        refused(
            "element 0 is 100, but token ids are from 0 to 99",
            tensor(
                2,
                t ->
                    t.setData(
                        ByteString.copyFrom(new byte[] {100}).concat(t.getData().substring(1))))),
        refused(
            "element 0 is -16777216",
            tensor(
                2,
                t ->
                    t.setData(
                        ByteString.copyFrom(new byte[] {0, 0, 0, -1})
                            .concat(t.getData().substring(4))))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusals")
  void whatDoesNotFitIsRefused(String message, Consumer<Activation.Builder> change) {
    var frame = valid().setFrame(17);
    change.accept(frame);
    var sessions = table();
    assertThatThrownBy(() -> CHECK.accept(frame.build(), 0, sessions))
        .isInstanceOf(FrameRefused.class)
        .hasMessageContaining(message);
    assertThat(sessions.size()).isZero();
  }

  @Test
  void sessionsAndTheirPagesAreBounded() {
    var sessions = table();
    CHECK.accept(valid().build(), 0, sessions);
    assertThatThrownBy(
            () -> CHECK.accept(frame(List.of(), sequence(3, 0, 1, 7)).build(), 0, sessions))
        .hasMessageContaining("page 7 is in use already");
    assertThatThrownBy(
            () -> CHECK.accept(frame(List.of(), sequence(1, 5, 1, 3, 1)).build(), 0, sessions))
        .hasMessageContaining("has page 3 where its positions from 0 on lie in page 0");
    CHECK.accept(frame(List.of(), sequence(3, 0, 1, 8)).build(), 0, sessions);
    assertThatThrownBy(
            () -> CHECK.accept(frame(List.of(), sequence(4, 0, 1, 9)).build(), 0, sessions))
        .hasMessageContaining("1 new sessions are too many: the run has 3 already");
    // A session that begins anew may lie elsewhere; its old pages are free then.
    CHECK.accept(frame(List.of(), sequence(1, 0, 5, 2, 3)).build(), 0, sessions);
    CHECK.accept(frame(List.of(), sequence(2, 2, 3, 7, 0)).build(), 0, sessions);
  }

  /** Bytes and fields that were changed at random: each message is taken or refused, in words. */
  @Test
  void mutationsAreTakenOrRefused() {
    var random = new Random(20260731);
    var seed = valid().setRun("r").setFrame(3).build().toByteArray();
    int taken = 0;
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      Activation frame;
      try {
        frame = i % 2 == 0 ? Activation.parseFrom(mutated(seed, random)) : altered(random);
      } catch (InvalidProtocolBufferException malformed) {
        continue;
      }
      var sessions = table();
      try {
        var accepted = CHECK.accept(frame, 0, sessions);
        assertThat(accepted.tokens()).isBetween(1, 32);
        new Decoder(PORTS)
            .decode(frame.getTensorsList(), accepted.tokens(), accepted.outputs().length);
        assertThat(sessions.size()).isBetween(1, 3);
        taken++;
      } catch (FrameRefused refusal) {
        assertThat(refusal.getMessage()).isNotBlank().hasSizeLessThan(400);
        assertThat(sessions.size()).isZero();
        refused++;
      }
    }
    assertThat(taken).isGreaterThan(1000);
    assertThat(refused).isGreaterThan(1000);
  }

  private static byte[] mutated(byte[] seed, Random random) {
    var bytes = seed.clone();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      int at = random.nextInt(random.nextBoolean() ? 40 : bytes.length);
      bytes[at] = (byte) random.nextInt();
    }
    return random.nextInt(8) == 0
        ? java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length))
        : bytes;
  }

  private static Activation altered(Random random) {
    var frame = valid();
    for (int i = 1 + random.nextInt(2); i > 0; i--) {
      int value = random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(-2, 12);
      var sequence = frame.getSequencesBuilder(random.nextInt(frame.getSequencesCount()));
      switch (random.nextInt(9)) {
        case 0 -> sequence.setStart(value);
        case 1 -> sequence.setTokens(value);
        case 2 -> sequence.addPages(value);
        case 3 -> sequence.setPages(0, value);
        case 4 -> sequence.setSession(value);
        case 5 -> frame.addOutputs(value);
        case 6 -> frame.setRebuild(Rebuild.newBuilder().setUntilStage(value));
        case 7 -> frame.getTensorsBuilder(random.nextInt(3)).addShape(value);
        default -> frame.addSequences(sequence.clone().setSession(value));
      }
    }
    return frame.build();
  }

  @Test
  void longNamesAreNotRepeatedInFull() {
    var frame = valid();
    frame.getTensorsBuilder(0).setName("x".repeat(1_000_000));
    assertThatThrownBy(() -> CHECK.accept(frame.build(), 0, table()))
        .satisfies(refusal -> assertThat(refusal.getMessage()).hasSizeLessThan(300));
  }
}
