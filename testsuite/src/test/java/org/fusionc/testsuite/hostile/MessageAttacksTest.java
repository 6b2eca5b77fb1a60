package org.fusionc.testsuite.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.util.Collections;
import java.util.LinkedHashMap;
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
import org.fusionc.runtime.proto.Downstream;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.Forget;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.Ping;
import org.fusionc.runtime.proto.Pong;
import org.fusionc.runtime.proto.Replay;
import org.fusionc.runtime.proto.ReplaySession;
import org.fusionc.runtime.proto.Reroute;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.fusionc.runtime.proto.WireEncoding;
import org.fusionc.runtime.proto.WireTensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages that parse, and mean harm, against the services of a broker and of a peer. */
class MessageAttacksTest extends CallAttacks {
  private static final ByteString DIGEST = ByteString.copyFrom(Victim.PLAN_DIGEST);
  private static final String NO_BLOB = "sha256:" + "0".repeat(64);

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
    assertRefused(end, "");
  }

  private StreamEnd<DriveEvent> drive(DriveRequest... requests) {
    return send(victim().peer(), (c, end) -> StageServiceGrpc.newStub(c).drive(end), requests);
  }

  private StreamEnd<ActivateSummary> activate(Activation... frames) {
    return send(victim().peer(), (c, end) -> StageServiceGrpc.newStub(c).activate(end), frames);
  }

  private Open.Builder open() {
    return Open.newBuilder()
        .setDeployment(Victim.DEPLOYMENT)
        .setPlanDigest(DIGEST)
        .setRun(UUID.randomUUID().toString())
        .setEpoch(1)
        .setDownstream(downstream())
        .setPages(4);
  }

  private Downstream downstream() {
    return Downstream.newBuilder().setAddress(victim().peer().toString()).setStage(1).build();
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

  private Activation.Builder frame(String run) {
    return Activation.newBuilder()
        .setRun(run)
        .setPlanDigest(DIGEST)
        .setEpoch(1)
        .addSequences(Sequence.newBuilder().setSession(1).setTokens(1).addPages(0))
        .addTensors(tensor());
  }

  private WireTensor.Builder tensor() {
    return WireTensor.newBuilder()
        .setName(victim().input())
        .addShape(1)
        .setData(ByteString.copyFrom(new byte[4]));
  }

  /** Opens a run's first stage; what it sends on goes nowhere that is open. */
  private Driven drive(Open.Builder open) throws Exception {
    var end = new StreamEnd<DriveEvent>();
    var connection = Transport.plain().channel(victim().peer());
    var requests = StageServiceGrpc.newStub(connection).drive(end);
    requests.onNext(request(open));
    assertThat(end.first().hasOpened()).isTrue();
    return new Driven(open.getRun(), connection, requests, end);
  }

  private record Driven(
      String run,
      ManagedChannel connection,
      StreamObserver<DriveRequest> requests,
      StreamEnd<DriveEvent> end)
      implements AutoCloseable {
    /** What the stage has done. */
    Pong ping(long nonce) throws Exception {
      requests.onNext(DriveRequest.newBuilder().setPing(Ping.newBuilder().setNonce(nonce)).build());
      var event = end.next();
      while (!event.hasPong()) {
        event = end.next();
      }
      return event.getPong();
    }

    @Override
    public void close() {
      connection.shutdownNow();
    }
  }

  @Test
  void framesThatDoNotFit() throws Exception {
    try (var driven = drive(open())) {
      var run = driven.run;
      var bad = new LinkedHashMap<Activation.Builder, String>();
      bad.put(frame(UUID.randomUUID().toString()), "is not open here for this run");
      bad.put(frame(run).setPlanDigest(ByteString.copyFromUtf8("another")), "of another plan");
      bad.put(frame(run).setStage(7), "stage 7 is not open here");
      bad.put(frame(run).setEpoch(2), "it is of epoch 2");
      bad.put(frame(run).setNumber(3), "it has the number 3");
      bad.put(frame(run).setNumber(-1), "it has the number 18446744073709551615");
      bad.put(frame(run).clearSequences(), "it has no sequences");
      bad.put(frame(run).clearTensors(), "are missing");
      bad.put(frame(run).addTensors(tensor().setName("another")), "2 tensors where");
      bad.put(frame(run).setTensors(0, tensor().setName("another")), "tensor 'another'");
      bad.put(frame(run).addAllOutputs(Collections.nCopies(4096, 0)), "4096 outputs of 1");
      bad.put(
          frame(run)
              .addAllSequences(
                  Collections.nCopies(4095, Sequence.newBuilder().setTokens(1).build())),
          "sequences[1]: session 0 has 0 pages");
      bad.put(frame(run).setSequences(0, pages(Collections.nCopies(1 << 20, 0))), "1048576 pages");
      bad.put(frame(run).setSequences(0, pages(List.of(-1))), "page 4294967295 is none");
      bad.put(frame(run).setSequences(0, pages(List.of(0)).setTokens(-1)), "the context is");
      bad.put(frame(run).setSequences(0, pages(List.of(0)).setStart(-1)), "the context is");
      bad.put(frame(run).setSequences(0, pages(List.of(0)).setStart(1)), "goes on at position 1");
      bad.put(
          frame(run).setTensors(0, tensor().clearShape().addShape(Long.MAX_VALUE)),
          "its shape must be [1]");
      bad.put(frame(run).setTensors(0, tensor().setEncoding(WireEncoding.Q8)), "it is encoded as");
      bad.put(
          frame(run).setTensors(0, tensor().setData(ByteString.copyFrom(new byte[5]))), "5 bytes");
      bad.put(
          frame(run)
              .setTensors(0, tensor().setData(ByteString.copyFrom(new byte[] {-1, -1, -1, -1}))),
          "element 0 is -1");
      for (var each : bad.entrySet()) {
        assertRefused(activate(each.getKey().build()), each.getValue());
        channel.shutdownNow();
      }
      victim().await("StageService/Activate");
      // What they were made of is good.
      activate(frame(run).build());
      while (driven.ping(1).getComputed() == 0) {
        Thread.onSpinWait();
      }
    }
  }

  private static Sequence.Builder pages(List<Integer> pages) {
    return Sequence.newBuilder().setSession(1).setTokens(1).addAllPages(pages);
  }

  @Test
  void aFrameThatIsSentTwice() throws Exception {
    try (var driven = drive(open())) {
      var frame = frame(driven.run).build();
      assertRefused(activate(frame, frame), "it has the number 0 in its stream, but 1 comes next");
    }
  }

  /** Somebody who has heard a coordinator says the same again. */
  @ParameterizedTest
  @ValueSource(strings = {"open", "reroute", "replay", "replay of an epoch that is over"})
  void ordersThatAreSentAgain(String order) throws Exception {
    var open = open();
    try (var driven = drive(open)) {
      var next = downstream();
      var reroute =
          DriveRequest.newBuilder()
              .setReroute(Reroute.newBuilder().setEpoch(2).setDownstream(next))
              .build();
      driven.requests.onNext(reroute);
      var replay =
          Replay.newBuilder()
              .setEpoch(order.endsWith("over") ? 1 : 2)
              .setUntilStage(1)
              .addSessions(ReplaySession.newBuilder().setSession(1).setLength(3));
      var again = DriveRequest.newBuilder().setReplay(replay).build();
      driven.requests.onNext(
          switch (order) {
            case "open" -> request(open);
            case "reroute" -> reroute;
            default -> again;
          });
      assertRefused(
          driven.end,
          switch (order) {
            case "open" -> "has been opened already";
            case "reroute" -> "epoch 2 does not come after epoch 2";
            case "replay" -> "3 positions of session 1 are to be replayed, but 0 are kept";
            default -> "it is epoch 2, not 1";
          });
    }
    // And from another connection: the run has gone on since.
    assertRefused(drive(request(open)), "epoch 1 does not come after epoch 2");
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
    for (Address port : List.of(victim().peer(), victim().broker())) {
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
    assertThat(SharedVictim.data().resolve("x")).doesNotExist();
  }

  private StreamEnd<BlobStat> put(BlobPut.Builder put) {
    return send(victim().broker(), (c, end) -> BlobServiceGrpc.newStub(c).put(end), put.build());
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
    channel = Transport.plain().channel(victim().broker());
    var asked = new StreamEnd<BlobStatReply>();
    BlobServiceGrpc.newStub(channel)
        .stat(
            BlobStatRequest.newBuilder().addAllDigests(Collections.nCopies(1_000_000, "x")).build(),
            asked);
    assertRefused(asked);
  }

  @Test
  void joinsThatDoNotFit() {
    var good =
        Join.newBuilder()
            .setName("peer")
            .setInstance("i")
            .setAddress("127.0.0.1:1")
            .setMemory(1 << 20);
    for (Join.Builder join :
        List.of(
            Join.newBuilder(),
            Join.newBuilder().setName("../../x").setInstance("i").setAddress("127.0.0.1:1"),
            Join.newBuilder().setName("n".repeat(100_000)).setInstance("i"),
            Join.newBuilder().setName("peer").setInstance("i").setAddress("nowhere"),
            // What a plan could not be read with.
            good.clone().setKind("cpu } edge"),
            good.clone().setVersion("1\nERROR all is lost"))) {
      StreamEnd<PeerOrders> end =
          send(
              victim().broker(),
              (c, e) -> BrokerServiceGrpc.newStub(c).attend(e),
              PeerReport.newBuilder().setJoin(join).build());
      assertRefused(end);
      channel.shutdownNow();
    }
    StreamEnd<PeerOrders> noJoin =
        send(
            victim().broker(),
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
      channel = Transport.plain().channel(victim().broker());
      var end = new StreamEnd<DeployProgress>();
      BrokerServiceGrpc.newStub(channel).deploy(deploy.build(), end);
      assertRefused(end);
      channel.shutdownNow();
    }
  }
}
