package org.fusionc.testsuite.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.fusionc.broker.Broker;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BlobPut;
import org.fusionc.runtime.proto.BlobRequest;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DrainRequest;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.LinkMeasure;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.RecoveryReport;
import org.fusionc.runtime.proto.RunReport;
import org.fusionc.runtime.proto.SegmentState;
import org.fusionc.runtime.proto.Speed;
import org.fusionc.runtime.proto.StatusRequest;
import org.fusionc.runtime.proto.UndeployRequest;
import org.fusionc.runtime.proto.WatchDeploymentRequest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Messages to a broker, which is there through all of them. Every call ends, served or refused with
 * a reason, and the status can be told afterwards.
 */
class BrokerFuzzTest {
  private static final String NO_BLOB = "sha256:" + "0".repeat(64);

  @TempDir private static Path folder;
  private static Broker broker;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() {
    var any = new Address("127.0.0.1", 0);
    broker = Broker.start(new Broker.Options(any, folder, null, null, Transport.plain()));
    channel = Transport.plain().channel(broker.address());
  }

  @AfterAll
  static void stop() throws InterruptedException {
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    broker.close();
  }

  static Stream<byte[]> seeds() {
    var join =
        Join.newBuilder()
            .setName("p")
            .setInstance("i")
            .setAddress("127.0.0.1:1")
            .setMemory(1 << 30)
            .setBackend("cpu")
            .setKind("cpu")
            .setThreads(2)
            .setVersion("0.1.0");
    var report =
        PeerReport.newBuilder()
            .setSpeed(Speed.newBuilder().putFlops("f32", 1e11).setBandwidth(1e10))
            .addLinks(LinkMeasure.newBuilder().setTo("q").setLatency(1e-3).setBandwidth(1e8))
            .addSegments(
                SegmentState.newBuilder()
                    .setDeployment("d")
                    .setPlanDigest(ByteString.copyFrom(new byte[32]))
                    .setPhase(SegmentState.Phase.READY));
    var run =
        RunReport.newBuilder()
            .setRun("r")
            .setDeployment("d")
            .setClient("c")
            .addRoute("p")
            .addRecoveries(RecoveryReport.newBuilder().setFrom("p").setTo("q").setCause("killed"));
    var deploy = DeployRequest.newBuilder().setName("d").setManifest(NO_BLOB).setStages(2);
    return Stream.of(
            Seeds.seed()
                .with(0, PeerReport.newBuilder().setJoin(join).build())
                .with(0, report.build()),
            Seeds.seed().with(0, report.build()),
            Seeds.seed().with(1, deploy.build()),
            Seeds.seed().with(2, UndeployRequest.newBuilder().setName("d").build()),
            Seeds.seed().with(3, WatchDeploymentRequest.newBuilder().setName("d").build()),
            Seeds.seed().with(4, run.build()).with(4, run.build()),
            Seeds.seed().with(5, DrainRequest.newBuilder().setPeer("nobody").build()),
            Seeds.seed().with(6, BlobRequest.newBuilder().setDigest(NO_BLOB).build()),
            Seeds.seed().with(7, BlobStatRequest.newBuilder().addDigests(NO_BLOB).build()),
            Seeds.seed()
                .with(
                    8,
                    BlobPut.newBuilder()
                        .setDigest(NO_BLOB)
                        .setSize(4)
                        .setData(ByteString.copyFromUtf8("four"))
                        .build()))
        .map(Seeds::bytes);
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void calls(byte[] input) {
    var parts = Seeds.parts(input);
    if (parts.isEmpty() || parts.size() > 16) {
      return;
    }
    try {
      call(parts);
    } catch (InvalidProtocolBufferException malformed) {
      return;
    }
    var status = new CallEnd<ClusterStatus>();
    BrokerServiceGrpc.newStub(channel).status(StatusRequest.getDefaultInstance(), status);
    status.assertServedOrRefused();
  }

  private static void call(List<Seeds.Part> parts) throws InvalidProtocolBufferException {
    var broker = BrokerServiceGrpc.newStub(channel);
    var blobs = BlobServiceGrpc.newStub(channel);
    var part = parts.getFirst();
    switch (part.kind() % 9) {
      case 0 -> stream(all(parts, PeerReport.parser()), broker::attend);
      case 1 -> one(part.as(DeployRequest.parser()), broker::deploy);
      case 2 -> one(part.as(UndeployRequest.parser()), broker::undeploy);
      case 3 -> one(part.as(WatchDeploymentRequest.parser()), broker::watchDeployment);
      case 4 -> stream(all(parts, RunReport.parser()), broker::reportRun);
      case 5 -> one(part.as(DrainRequest.parser()), broker::drain);
      case 6 -> one(part.as(BlobRequest.parser()), blobs::get);
      case 7 -> one(part.as(BlobStatRequest.parser()), blobs::stat);
      default -> stream(all(parts, BlobPut.parser()), blobs::put);
    }
  }

  private static <Q, R> void one(Q request, BiConsumer<Q, StreamObserver<R>> call) {
    var end = new CallEnd<R>();
    call.accept(request, end);
    end.assertServedOrRefused();
  }

  private static <T> List<T> all(List<Seeds.Part> parts, com.google.protobuf.Parser<T> parser)
      throws InvalidProtocolBufferException {
    var all = new ArrayList<T>();
    for (var part : parts) {
      all.add(part.as(parser));
    }
    return all;
  }

  private static <Q, R> void stream(
      List<Q> messages, Function<StreamObserver<R>, StreamObserver<Q>> call) {
    var end = new CallEnd<R>();
    var requests = call.apply(end);
    messages.forEach(message -> CallEnd.send(requests, message));
    CallEnd.complete(requests);
    end.assertServedOrRefused();
  }
}
