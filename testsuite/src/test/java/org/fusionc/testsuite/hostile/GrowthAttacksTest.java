package org.fusionc.testsuite.hostile;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.stream.Stream;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.BestLogits;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.EchoServiceGrpc;
import org.fusionc.runtime.proto.Forget;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.Replay;
import org.fusionc.runtime.proto.RunReport;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Messages that would become much more when they are parsed than they are on the way: two bytes can
 * become an object of a hundred, and the victim has no room for so many.
 */
class GrowthAttacksTest extends CallAttacks {
  /** Below what all messages together may have at the victim. */
  private static final int LARGE = 24 << 20;

  private static final int AT_BROKER = 3 << 20;

  /** Bytes for a method, and why they are refused. */
  record Growing(String method, boolean atBroker, ByteString message, String reason) {
    @Override
    public String toString() {
      return method + ": " + reason;
    }
  }

  static Stream<Growing> messages() {
    var frames = StageServiceGrpc.getActivateMethod();
    var drive = StageServiceGrpc.getDriveMethod();
    var stat = BlobServiceGrpc.getStatMethod();
    var echo = EchoServiceGrpc.getEchoMethod();
    var sequences = empty(Activation.SEQUENCES_FIELD_NUMBER, LARGE);
    var pages = zeros(Sequence.PAGES_FIELD_NUMBER, LARGE);
    var ids = zeros(BestLogits.IDS_FIELD_NUMBER, LARGE);
    var sessions = zeros(Forget.SESSIONS_FIELD_NUMBER, LARGE);
    var replayed = empty(Replay.SESSIONS_FIELD_NUMBER, LARGE);
    return Stream.of(
        peer(frames, sequences, "more than 4096 Activation.sequences"),
        peer(frames, empty(Activation.TENSORS_FIELD_NUMBER, LARGE), "256 Activation.tensors"),
        peer(frames, empty(Activation.LOGITS_FIELD_NUMBER, LARGE), "0 Activation.logits"),
        peer(frames, part(Activation.LOGITS_FIELD_NUMBER, ids), "0 Activation.logits"),
        peer(frames, zeros(Activation.OUTPUTS_FIELD_NUMBER, LARGE), "4096 Activation.outputs"),
        peer(frames, zeros(Activation.BEST_FIELD_NUMBER, LARGE), "4096 Activation.best"),
        peer(frames, part(Activation.SEQUENCES_FIELD_NUMBER, pages), "1048576 Sequence.pages"),
        peer(frames, unknown(LARGE), "64 unknown fields"),
        peer(drive, part(DriveRequest.REPLAY_FIELD_NUMBER, replayed), "65536 Replay.sessions"),
        peer(drive, part(DriveRequest.FORGET_FIELD_NUMBER, sessions), "262144 Forget.sessions"),
        peer(stat, empty(BlobStatRequest.DIGESTS_FIELD_NUMBER, LARGE), "BlobStatRequest.digests"),
        peer(echo, unknown(LARGE), "64 unknown fields"),
        peer(echo, groups(LARGE), "group"),
        broker(
            BrokerServiceGrpc.getAttendMethod(),
            empty(PeerReport.SEGMENTS_FIELD_NUMBER, AT_BROKER),
            "1024 PeerReport.segments"),
        broker(
            BrokerServiceGrpc.getReportRunMethod(),
            empty(RunReport.RECOVERIES_FIELD_NUMBER, AT_BROKER),
            "65536 RunReport.recoveries"),
        broker(BrokerServiceGrpc.getStatusMethod(), unknown(AT_BROKER), "64 unknown fields"),
        broker(BrokerServiceGrpc.getDeployMethod(), ByteString.copyFromUtf8("x"), "malformed"));
  }

  private static Growing peer(MethodDescriptor<?, ?> method, ByteString message, String reason) {
    return new Growing(method.getFullMethodName(), false, message, reason);
  }

  private static Growing broker(MethodDescriptor<?, ?> method, ByteString message, String reason) {
    return new Growing(method.getFullMethodName(), true, message, reason);
  }

  private interface Writing {
    void to(CodedOutputStream out) throws IOException;
  }

  private static ByteString written(Writing writing) {
    var bytes = new ByteArrayOutputStream();
    var out = CodedOutputStream.newInstance(bytes);
    try {
      writing.to(out);
      out.flush();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return ByteString.copyFrom(bytes.toByteArray());
  }

  /** A field again and again, with nothing in it. */
  private static ByteString empty(int field, int size) {
    return written(out -> {
      for (int i = 0; i < size / 2; i++) {
        out.writeByteArray(field, new byte[0]);
      }
    });
  }

  /** One field with as many zeros. */
  private static ByteString zeros(int field, int size) {
    return part(field, ByteString.copyFrom(new byte[size]));
  }

  private static ByteString part(int field, ByteString of) {
    return written(out -> out.writeBytes(field, of));
  }

  /** Fields that there are not, each another. */
  private static ByteString unknown(int size) {
    return written(out -> {
      for (int i = 0; i < size / 4; i++) {
        out.writeUInt32(2048 + i % 100_000, 0);
      }
    });
  }

  /** Groups in no group, with nothing in them. */
  private static ByteString groups(int size) {
    return written(out -> {
      for (int i = 0; i < size / 2; i++) {
        out.writeTag(15, WireFormat.WIRETYPE_START_GROUP);
        out.writeTag(15, WireFormat.WIRETYPE_END_GROUP);
      }
    });
  }

  private static final class Raw implements Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] message) {
      return new ByteArrayInputStream(message);
    }

    @Override
    public byte[] parse(InputStream stream) {
      return new byte[0];
    }
  }

  @ParameterizedTest
  @MethodSource("messages")
  void messagesThatGrow(Growing growing) {
    Address to = growing.atBroker ? victim().broker() : victim().peer();
    var method =
        MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
            .setFullMethodName(growing.method)
            .setRequestMarshaller(new Raw())
            .setResponseMarshaller(new Raw())
            .build();
    channel = Transport.plain().channel(to);
    var end = new StreamEnd<byte[]>();
    var requests =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(method, CallOptions.DEFAULT), end);
    requests.onNext(growing.message.toByteArray());
    requests.onCompleted();
    assertRefused(end, growing.reason);
    victim().await(growing.method);
  }
}
