package org.fusionc.runtime.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.BestLogits;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.EchoServiceGrpc;
import org.fusionc.runtime.proto.Rebuild;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.fusionc.runtime.proto.WireEncoding;
import org.fusionc.runtime.proto.WireTensor;
import org.junit.jupiter.api.Test;

/** What messages may hold, counted on their bytes. */
class MessageBoundsTest {
  private static final Marshaller<Activation> REQUESTS =
      BoundedMarshaller.of(
          StageServiceGrpc.getActivateMethod().getRequestMarshaller(), MessageBounds.Sender.CALLER);
  private static final Marshaller<DriveEvent> ANSWERS =
      BoundedMarshaller.of(
          StageServiceGrpc.getDriveMethod().getResponseMarshaller(), MessageBounds.Sender.SERVER);

  private static <M> M parse(Marshaller<M> marshaller, byte[] bytes) {
    return marshaller.parse(new ByteArrayInputStream(bytes));
  }

  private static Activation frame() {
    return Activation.newBuilder()
        .setRun("a run")
        .setEpoch(-1)
        .addSequences(
            Sequence.newBuilder().setSession(3).setTokens(2).addAllPages(List.of(0, 300, 70_000)))
        .addSequences(Sequence.newBuilder().setStart(9).setTokens(1))
        .addAllOutputs(List.of(1, 2))
        .addAllBest(List.of(0, 40))
        .addTensors(
            WireTensor.newBuilder()
                .setName("x")
                .setEncoding(WireEncoding.Q8)
                .addAllShape(List.of(3L, Long.MAX_VALUE))
                .setData(ByteString.copyFrom(new byte[5000])))
        .setRebuild(Rebuild.newBuilder().setLast(true))
        .build();
  }

  @Test
  void whatIsWithinTheBoundsIsParsed() {
    assertThat(parse(REQUESTS, frame().toByteArray())).isEqualTo(frame());
    assertThat(parse(REQUESTS, new byte[0])).isEqualTo(Activation.getDefaultInstance());
    var result =
        DriveEvent.newBuilder()
            .setResult(
                frame().toBuilder()
                    .addLogits(BestLogits.newBuilder().addIds(7).addValues(1.5f))
                    .addLogits(BestLogits.getDefaultInstance()))
            .build();
    assertThat(parse(ANSWERS, result.toByteArray())).isEqualTo(result);
  }

  @Test
  void boundsAreForAllPartsTogether() {
    var half = Sequence.newBuilder().addAllPages(Collections.nCopies(1 << 19, 5)).build();
    var full = Activation.newBuilder().addSequences(half).addSequences(half);
    assertThat(parse(REQUESTS, full.build().toByteArray())).isEqualTo(full.build());
    var more = full.addSequences(Sequence.newBuilder().addPages(1 << 30)).build();
    assertThatThrownBy(() -> parse(REQUESTS, more.toByteArray()))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessage("INVALID_ARGUMENT: the message holds more than 1048576 Sequence.pages");
  }

  @Test
  void exactlyAsManyAsThereMayBe() {
    var most = Activation.newBuilder();
    for (int i = 0; i < MessageBounds.FRAME_ROWS; i++) {
      most.addSequences(Sequence.getDefaultInstance()).addOutputs(i).addBest(i);
    }
    assertThat(parse(REQUESTS, most.build().toByteArray())).isEqualTo(most.build());
    for (var more :
        List.of(
            most.clone().addSequences(Sequence.getDefaultInstance()),
            most.clone().addOutputs(1 << 20),
            most.clone().addBest(0))) {
      assertThatThrownBy(() -> parse(REQUESTS, more.build().toByteArray()))
          .hasMessageContaining("more than 4096 Activation.");
    }
  }

  @Test
  void logitsAreAnAnswerAndNoRequest() {
    var frame = frame().toBuilder().addLogits(BestLogits.getDefaultInstance()).build();
    assertThatThrownBy(() -> parse(REQUESTS, frame.toByteArray()))
        .hasMessageContaining("more than 0 Activation.logits");
  }

  @Test
  void whatLaterVersionsAddIsBornePartly() {
    var field = UnknownFieldSet.Field.newBuilder().addVarint(1).build();
    var some = UnknownFieldSet.newBuilder();
    for (int number = 1000; number < 1064; number++) {
      some.addField(number, field);
    }
    var frame = frame().toBuilder().setUnknownFields(some.build()).build();
    assertThat(parse(REQUESTS, frame.toByteArray())).isEqualTo(frame);
    var more = frame.toBuilder().setUnknownFields(some.addField(2000, field).build()).build();
    assertThatThrownBy(() -> parse(REQUESTS, more.toByteArray()))
        .hasMessageContaining("more than 64 unknown fields");
  }

  /** What comes twice counts once, and the first one must not be kept. */
  @Test
  void bytesThatAreNotOfTheMessageAreNotKept() throws InvalidProtocolBufferException {
    var tensor = WireTensor.newBuilder().setData(ByteString.copyFrom(new byte[1 << 20])).build();
    var small = WireTensor.newBuilder().setData(ByteString.copyFromUtf8("data")).build();
    var twice = tensor.toByteString().concat(small.toByteString());
    var bytes =
        Activation.newBuilder()
            .setUnknownFields(
                UnknownFieldSet.newBuilder()
                    .addField(
                        Activation.TENSORS_FIELD_NUMBER,
                        UnknownFieldSet.Field.newBuilder().addLengthDelimited(twice).build())
                    .build())
            .build()
            .toByteArray();
    var parsed = parse(REQUESTS, bytes);
    assertThat(parsed).isEqualTo(Activation.parseFrom(bytes));
    // Protobuf's own name for a part of other bytes.
    assertThat(parsed.getTensors(0).getData().getClass().getSimpleName())
        .isNotEqualTo("BoundedByteString");
    var whole = parse(REQUESTS, frame().toByteArray());
    assertThat(whole.getTensors(0).getData().getClass().getSimpleName())
        .isEqualTo("BoundedByteString");
  }

  /** Whatever the bytes, they are refused, or are what protobuf makes of them. */
  @Test
  void anyBytes() {
    var random = new Random(3);
    byte[] good = frame().toByteArray();
    int parsed = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = good.clone();
      for (int change = random.nextInt(4); change >= 0; change--) {
        // The head, since nearly all else is data.
        bytes[random.nextInt(60)] = (byte) random.nextInt(256);
      }
      Activation expected;
      try {
        expected = Activation.parseFrom(bytes);
      } catch (InvalidProtocolBufferException malformed) {
        expected = null;
      }
      try {
        assertThat(parse(REQUESTS, bytes)).isEqualTo(expected);
        parsed++;
      } catch (StatusRuntimeException refused) {
        assertThat(refused).hasMessageStartingWith("INVALID_ARGUMENT: the message ");
      }
    }
    assertThat(parsed).isGreaterThan(1000);
  }

  @Test
  void everyRepeatedFieldHasABound() {
    var methods = new ArrayList<MethodDescriptor<?, ?>>();
    for (var service :
        List.of(
            StageServiceGrpc.getServiceDescriptor(),
            BlobServiceGrpc.getServiceDescriptor(),
            EchoServiceGrpc.getServiceDescriptor(),
            BrokerServiceGrpc.getServiceDescriptor())) {
      methods.addAll(service.getMethods());
    }
    var unbounded = new HashSet<String>();
    for (var method : methods) {
      find(message(method.getRequestMarshaller()), unbounded, new HashSet<>());
      find(message(method.getResponseMarshaller()), unbounded, new HashSet<>());
    }
    assertThat(unbounded).isEmpty();
  }

  private static Descriptor message(Marshaller<?> marshaller) {
    return ((Message) ((PrototypeMarshaller<?>) marshaller).getMessagePrototype())
        .getDescriptorForType();
  }

  private static void find(Descriptor message, Set<String> unbounded, Set<Descriptor> seen) {
    if (!seen.add(message)) {
      return;
    }
    for (var field : message.getFields()) {
      if (field.isRepeated() && MessageBounds.most(field, MessageBounds.Sender.SERVER) == 0) {
        unbounded.add(MessageBounds.name(field));
      }
      if (field.getJavaType() == com.google.protobuf.Descriptors.FieldDescriptor.JavaType.MESSAGE) {
        find(field.getMessageType(), unbounded, seen);
      }
    }
  }
}
