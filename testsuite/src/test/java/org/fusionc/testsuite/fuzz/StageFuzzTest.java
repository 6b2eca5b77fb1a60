package org.fusionc.testsuite.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.fusionc.ir.DType;
import org.fusionc.ir.pass.Phase;
import org.fusionc.partitioner.InProcess;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.blob.BlobServer;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.peer.EchoServer;
import org.fusionc.runtime.proto.ActivateSummary;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.BlobRequest;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.EchoMessage;
import org.fusionc.runtime.proto.EchoServiceGrpc;
import org.fusionc.runtime.proto.Forget;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.Ping;
import org.fusionc.runtime.proto.Replay;
import org.fusionc.runtime.proto.ReplaySession;
import org.fusionc.runtime.proto.Reroute;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.fusionc.runtime.proto.WireTensor;
import org.fusionc.runtime.stage.Segment;
import org.fusionc.runtime.stage.StageHost;
import org.fusionc.runtime.stage.StageServer;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Messages to a peer that holds the example model, in an order of their own: a coordinator's stream
 * and a stream of frames for its run. Both end, served or refused with a reason.
 */
class StageFuzzTest {
  private static final ByteString DIGEST = ByteString.copyFrom(new byte[32]);
  private static final int DRIVE = 0;
  private static final int FRAME = 1;
  private static final int BLOB = 2;
  private static final int ECHO = 3;

  @TempDir private static Path folder;
  private static ModelSource source;
  private static StageHost host;
  private static Server server;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() throws IOException {
    source = ModelSource.open(Repository.root().resolve("examples/shakespeare"), DType.Scalar.F32);
    var backend = Compiler.backend("cpu");
    var options = Compiler.Options.whole(backend, Phase.QUANTIZED);
    var module = Compiler.compile(source.module(), source.phase(), options).module();
    var plan = InProcess.stages(module, 1);
    host = new StageHost(Transport.plain(), StageHost.Options.defaults());
    var digest = DIGEST.toByteArray();
    host.add(Segment.compile(source, plan, "fuzz", digest, 0, backend, 1, 64, 16));
    server =
        Transport.plain()
            .server(new Address("127.0.0.1", 0))
            .addService(new StageServer(host))
            .addService(BlobServer.readOnly(BlobDirectory.open(folder, 1 << 20)))
            .addService(new EchoServer())
            .build()
            .start();
    channel = Transport.plain().channel(new Address("127.0.0.1", server.getPort()));
  }

  @AfterAll
  static void stop() throws InterruptedException {
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    server.shutdownNow().awaitTermination();
    host.close();
    source.close();
  }

  private static DriveRequest open() {
    return DriveRequest.newBuilder()
        .setOpen(
            Open.newBuilder()
                .setDeployment("fuzz")
                .setPlanDigest(DIGEST)
                .setRun("r")
                .setEpoch(1)
                .setFresh(true)
                .setPages(4))
        .build();
  }

  private static Activation frame(int number) {
    return Activation.newBuilder()
        .setRun("r")
        .setPlanDigest(DIGEST)
        .setEpoch(1)
        .setNumber(number)
        .setFrame(number)
        .addSequences(Sequence.newBuilder().setSession(1).setStart(number).setTokens(1).addPages(0))
        .addOutputs(0)
        .addTensors(
            WireTensor.newBuilder()
                .setName("ids")
                .addShape(1)
                .setData(ByteString.copyFrom(new byte[4])))
        .build();
  }

  static Stream<byte[]> seeds() {
    var reroute = DriveRequest.newBuilder().setReroute(Reroute.newBuilder().setEpoch(2)).build();
    var replay =
        DriveRequest.newBuilder()
            .setReplay(
                Replay.newBuilder()
                    .setEpoch(1)
                    .setUntilStage(1)
                    .addSessions(ReplaySession.newBuilder().setSession(1).setLength(2)))
            .build();
    var forget = DriveRequest.newBuilder().setForget(Forget.newBuilder().addSessions(1)).build();
    var ping = DriveRequest.newBuilder().setPing(Ping.newBuilder().setNonce(5)).build();
    return Stream.of(
            Seeds.seed().with(DRIVE, open()).with(FRAME, frame(0)).with(FRAME, frame(1)),
            Seeds.seed().with(DRIVE, open()).with(FRAME, frame(0)).with(DRIVE, reroute),
            Seeds.seed().with(DRIVE, open()).with(FRAME, frame(0)).with(DRIVE, replay),
            Seeds.seed().with(DRIVE, open()).with(DRIVE, forget).with(DRIVE, ping),
            Seeds.seed().with(DRIVE, open()).with(DRIVE, open()),
            Seeds.seed().with(DRIVE, ping),
            Seeds.seed().with(FRAME, frame(0)),
            Seeds.seed().with(BLOB, BlobRequest.newBuilder().setDigest("sha256:x").build()),
            Seeds.seed().with(ECHO, EchoMessage.newBuilder().setData(DIGEST).build()))
        .map(Seeds::bytes);
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void messages(byte[] input) {
    var parts = Seeds.parts(input);
    if (parts.size() > 16) {
      return;
    }
    var requests = new ArrayList<com.google.protobuf.MessageLite>();
    for (var part : parts) {
      try {
        requests.add(
            switch (part.kind() % 4) {
              case DRIVE -> part.as(DriveRequest.parser());
              case FRAME -> part.as(Activation.parser());
              case BLOB -> part.as(BlobRequest.parser());
              default -> part.as(EchoMessage.parser());
            });
      } catch (InvalidProtocolBufferException malformed) {
        return;
      }
    }
    send(requests);
  }

  private static void send(List<com.google.protobuf.MessageLite> messages) {
    var stages = StageServiceGrpc.newStub(channel);
    var ends = new ArrayList<CallEnd<?>>();
    var driven = new CallEnd<DriveEvent>();
    var drive = stages.drive(driven);
    var activated = new CallEnd<ActivateSummary>();
    StreamObserver<Activation> activate = null;
    for (var message : messages) {
      switch (message) {
        case DriveRequest request -> CallEnd.send(drive, request);
        case Activation frame -> {
          if (activate == null) {
            activate = stages.activate(activated);
          }
          CallEnd.send(activate, frame);
        }
        case BlobRequest wanted -> {
          var end = new CallEnd<org.fusionc.runtime.proto.BlobChunk>();
          BlobServiceGrpc.newStub(channel).get(wanted, end);
          ends.add(end);
        }
        case EchoMessage said -> {
          var end = new CallEnd<EchoMessage>();
          var echo = EchoServiceGrpc.newStub(channel).echo(end);
          CallEnd.send(echo, said);
          CallEnd.complete(echo);
          ends.add(end);
        }
        default -> throw new AssertionError(message);
      }
    }
    if (activate != null) {
      CallEnd.complete(activate);
      activated.assertServedOrRefused();
    }
    CallEnd.complete(drive);
    driven.assertServedOrRefused();
    ends.forEach(CallEnd::assertServedOrRefused);
  }
}
