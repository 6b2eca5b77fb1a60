package org.fusionc.testsuite.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.function.BiFunction;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.ActivateSummary;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.BlobChunk;
import org.fusionc.runtime.proto.BlobPut;
import org.fusionc.runtime.proto.BlobRequest;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BlobStat;
import org.fusionc.runtime.proto.BlobStatReply;
import org.fusionc.runtime.proto.BlobStatRequest;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.DeployProgress;
import org.fusionc.runtime.proto.DeployRequest;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.Forget;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.fusionc.runtime.proto.WireTensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages that parse, and mean harm, against the services of a broker and of a peer. */
class MessageAttacksTest {
  private static final ByteString DIGEST = ByteString.copyFrom(Victim.PLAN_DIGEST);
  private static final String NO_BLOB = "sha256:" + "0".repeat(64);

  @TempDir private static Path scratch;
  private static VictimProcess victim;

  private GoodClient good;
  private ManagedChannel channel;

  @BeforeAll
  static void startVictim() throws IOException {
    victim = new VictimProcess(scratch, null, null);
  }

  @AfterAll
  static void endVictim() {
    victim.close();
  }

  @BeforeEach
  void startGoodClient() throws InterruptedException {
    good = new GoodClient(Transport.plain(), victim.peer());
    good.assertServed();
    victim.clearLog();
  }

  @AfterEach
  void othersWereServed() throws InterruptedException {
    if (channel != null) {
      channel.shutdownNow();
    }
    good.assertServed();
    good.close();
    assertThat(victim.isAlive()).isTrue();
  }

  @SafeVarargs
  private final <Q, R> StreamEnd<R> send(
      Address to, BiFunction<ManagedChannel, StreamEnd<R>, StreamObserver<Q>> call, Q... messages) {
    channel = Transport.plain().channel(to);
    var end = new StreamEnd<R>();
    var requests = call.apply(channel, end);
    for (Q message : messages) {
      requests.onNext(message);
    }
    return end;
  }

  private static void assertRefused(StreamEnd<?> end) {
    assertThat(end.status().getCode())
        .isIn(
            Status.Code.INVALID_ARGUMENT,
            Status.Code.NOT_FOUND,
            Status.Code.ABORTED, // somebody else writes it
            Status.Code.FAILED_PRECONDITION,
            Status.Code.RESOURCE_EXHAUSTED,
            Status.Code.OUT_OF_RANGE);
    assertThat(end.status().getDescription()).isNotEmpty();
  }

  private StreamEnd<DriveEvent> drive(DriveRequest... requests) {
    return send(victim.peer(), (c, end) -> StageServiceGrpc.newStub(c).drive(end), requests);
  }

  private StreamEnd<ActivateSummary> activate(Activation... frames) {
    return send(victim.peer(), (c, end) -> StageServiceGrpc.newStub(c).activate(end), frames);
  }

  private static Open.Builder open() {
    return Open.newBuilder()
        .setDeployment(Victim.DEPLOYMENT)
        .setPlanDigest(DIGEST)
        .setRun(UUID.randomUUID().toString())
        .setEpoch(1)
        .setPages(4);
  }

  private static DriveRequest request(Open.Builder open) {
    return DriveRequest.newBuilder().setOpen(open).build();
  }

  @Test
  void opensThatDoNotFit() {
    for (Open.Builder open :
        List.of(
            Open.newBuilder(),
            open().setPlanDigest(ByteString.copyFromUtf8("another")),
            open().setStage(-1),
            open().setDeployment("../../etc/passwd"),
            open().setRun(""),
            open().setRun("r".repeat(100_000)),
            open().setPages(-1),
            open().setPages(Integer.MAX_VALUE))) {
      assertRefused(drive(request(open)));
      channel.shutdownNow();
    }
  }

  @Test
  void drivingWithoutOpening() {
    assertRefused(drive(DriveRequest.getDefaultInstance()));
    channel.shutdownNow();
    assertRefused(
        drive(
            DriveRequest.newBuilder()
                .setForget(Forget.newBuilder().addAllSessions(Collections.nCopies(100_000, 7L)))
                .build()));
  }

  private static Activation.Builder frame(String run) {
    return Activation.newBuilder()
        .setRun(run)
        .setPlanDigest(DIGEST)
        .setEpoch(1)
        .addSequences(Sequence.newBuilder().setSession(1).setTokens(1).addPages(0))
        .addOutputs(0)
        .addTensors(
            WireTensor.newBuilder()
                .setName("ids")
                .addShape(1)
                .setData(ByteString.copyFrom(new byte[4])));
  }

  @Test
  void framesThatDoNotFit() throws Exception {
    var open = open();
    var driving = drive(request(open));
    assertThat(driving.first().hasOpened()).isTrue();
    var drivingChannel = channel;
    for (Activation.Builder frame :
        List.of(
            frame(UUID.randomUUID().toString()), // another run
            frame(open.getRun()).setPlanDigest(ByteString.copyFromUtf8("another")),
            frame(open.getRun()).setStage(7),
            frame(open.getRun()).setNumber(3), // out of order
            frame(open.getRun()).setNumber(-1),
            frame(open.getRun()).clearSequences(),
            frame(open.getRun()).clearTensors(),
            frame(open.getRun()).addAllOutputs(Collections.nCopies(1_000_000, 0)),
            frame(open.getRun())
                .addAllSequences(
                    Collections.nCopies(100_000, Sequence.newBuilder().setTokens(1).build())),
            frame(open.getRun())
                .setSequences(
                    0,
                    Sequence.newBuilder()
                        .setTokens(1)
                        .addAllPages(Collections.nCopies(1 << 20, 0))),
            frame(open.getRun())
                .setSequences(0, Sequence.newBuilder().setTokens(-1).setStart(-1).addPages(-1)),
            frame(open.getRun())
                .setTensors(0, WireTensor.newBuilder().setName("ids").addShape(Long.MAX_VALUE)))) {
      assertRefused(activate(frame.build()));
      channel.shutdownNow();
    }
    victim.await("StageService/Activate");
    drivingChannel.shutdownNow();
  }

  @Test
  void aFrameThatIsSentTwice() throws Exception {
    var open = open();
    var driving = drive(request(open));
    assertThat(driving.first().hasOpened()).isTrue();
    var drivingChannel = channel;
    var frame = frame(open.getRun()).build();
    assertRefused(activate(frame, frame));
    drivingChannel.shutdownNow();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "sha256:",
        "sha256:../../x",
        "sha256:../../../../../../../../etc/passwd",
        "/etc/passwd",
        "sha512:00",
        "sha256:ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"
      })
  void digestsThatAreNone(String digest) {
    for (Address port : List.of(victim.peer(), victim.broker())) {
      channel = Transport.plain().channel(port);
      var got = new StreamEnd<BlobChunk>();
      BlobServiceGrpc.newStub(channel).get(BlobRequest.newBuilder().setDigest(digest).build(), got);
      assertRefused(got);
      var asked = new StreamEnd<BlobStatReply>();
      BlobServiceGrpc.newStub(channel)
          .stat(BlobStatRequest.newBuilder().addDigests(digest).build(), asked);
      assertRefused(asked);
      channel.shutdownNow();
    }
    assertRefused(put(BlobPut.newBuilder().setDigest(digest).setSize(1)));
    assertThat(scratch.resolve("x")).doesNotExist();
  }

  private StreamEnd<BlobStat> put(BlobPut.Builder put) {
    return send(victim.broker(), (c, end) -> BlobServiceGrpc.newStub(c).put(end), put.build());
  }

  @Test
  void blobsThatDoNotFit() {
    assertRefused(put(BlobPut.newBuilder().setDigest(NO_BLOB).setSize(Long.MAX_VALUE)));
    assertRefused(put(BlobPut.newBuilder().setDigest(NO_BLOB).setSize(-1)));
    assertRefused(put(BlobPut.newBuilder().setDigest(NO_BLOB).setSize(9).setOffset(5)));
    assertRefused(
        put(
            BlobPut.newBuilder()
                .setDigest(NO_BLOB)
                .setSize(1)
                .setData(ByteString.copyFromUtf8("more than one"))));
    channel = Transport.plain().channel(victim.broker());
    var asked = new StreamEnd<BlobStatReply>();
    BlobServiceGrpc.newStub(channel)
        .stat(
            BlobStatRequest.newBuilder().addAllDigests(Collections.nCopies(1_000_000, "x")).build(),
            asked);
    assertRefused(asked);
  }

  @Test
  void joinsThatDoNotFit() {
    for (Join.Builder join :
        List.of(
            Join.newBuilder(),
            Join.newBuilder().setName("../../x").setInstance("i").setAddress("127.0.0.1:1"),
            Join.newBuilder().setName("n".repeat(100_000)).setInstance("i"),
            Join.newBuilder().setName("peer").setInstance("i").setAddress("nowhere"))) {
      StreamEnd<PeerOrders> end =
          send(
              victim.broker(),
              (c, e) -> BrokerServiceGrpc.newStub(c).attend(e),
              PeerReport.newBuilder().setJoin(join).build());
      assertRefused(end);
      channel.shutdownNow();
    }
    StreamEnd<PeerOrders> noJoin =
        send(
            victim.broker(),
            (c, e) -> BrokerServiceGrpc.newStub(c).attend(e),
            PeerReport.getDefaultInstance());
    assertRefused(noJoin);
  }

  @Test
  void deploymentsThatDoNotFit() {
    for (DeployRequest.Builder deploy :
        List.of(
            DeployRequest.newBuilder(),
            DeployRequest.newBuilder().setName("../x").setManifest(NO_BLOB),
            DeployRequest.newBuilder().setName("a").setManifest("sha256:../../x"),
            DeployRequest.newBuilder().setName("a").setManifest(NO_BLOB),
            DeployRequest.newBuilder()
                .setName("a")
                .setManifest(NO_BLOB)
                .setPlan("plan {".repeat(1000)),
            DeployRequest.newBuilder().setName("a").setManifest(NO_BLOB).setEncode("q3"),
            DeployRequest.newBuilder().setName("a").setManifest(NO_BLOB).setStages(-1))) {
      channel = Transport.plain().channel(victim.broker());
      var end = new StreamEnd<DeployProgress>();
      BrokerServiceGrpc.newStub(channel).deploy(deploy.build(), end);
      assertRefused(end);
      channel.shutdownNow();
    }
  }
}
