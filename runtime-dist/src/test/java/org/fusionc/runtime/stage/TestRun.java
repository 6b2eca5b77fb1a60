package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.fusionc.runtime.proto.ActivateSummary;
import org.fusionc.runtime.proto.Activation;
import org.fusionc.runtime.proto.Downstream;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.Forget;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.Opened;
import org.fusionc.runtime.proto.Ping;
import org.fusionc.runtime.proto.Pong;
import org.fusionc.runtime.proto.Rebuild;
import org.fusionc.runtime.proto.Replay;
import org.fusionc.runtime.proto.ReplaySession;
import org.fusionc.runtime.proto.Reroute;
import org.fusionc.runtime.proto.Sequence;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.fusionc.runtime.proto.WireTensor;

/** A coordinator written against the protocol alone. */
final class TestRun implements AutoCloseable {
  /** A stream to a stage; events come in order. */
  static final class Drive {
    final ManagedChannel channel;
    final StreamObserver<DriveRequest> requests;
    final BlockingQueue<DriveEvent> events = new LinkedBlockingQueue<>();
    final CompletableFuture<Status> ended = new CompletableFuture<>();

    Drive(TestStages stages, TestStages.Peer peer) {
      channel = stages.channel(peer);
      requests =
          StageServiceGrpc.newStub(channel)
              .drive(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(DriveEvent event) {
                      events.add(event);
                    }

                    @Override
                    public void onError(Throwable failure) {
                      ended.complete(Status.fromThrowable(failure));
                    }

                    @Override
                    public void onCompleted() {
                      ended.complete(Status.OK);
                    }
                  });
    }

    DriveEvent next() {
      try {
        var event = events.poll(30, TimeUnit.SECONDS);
        if (event == null) {
          throw new IllegalStateException("no event came; the stream's end: " + ended);
        }
        return event;
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    /** The next event that is no pong. */
    DriveEvent next(DriveEvent.EventCase expected) {
      var event = next();
      while (event.hasPong() && expected != DriveEvent.EventCase.PONG) {
        event = next();
      }
      if (event.getEventCase() != expected) {
        throw new IllegalStateException("expected " + expected + " but there came " + event);
      }
      return event;
    }

    Pong ping(long nonce) {
      requests.onNext(DriveRequest.newBuilder().setPing(Ping.newBuilder().setNonce(nonce)).build());
      return next(DriveEvent.EventCase.PONG).getPong();
    }

    /** Breaks the stream, as a lost coordinator does. */
    void cut() {
      channel.shutdownNow();
    }

    Status status() {
      try {
        return ended.get(30, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new IllegalStateException("the stream has not ended", e);
      }
    }
  }

  /** A stream of frames into a stage. */
  static final class Frames {
    final ManagedChannel channel;
    final StreamObserver<Activation> out;
    final CompletableFuture<Status> ended = new CompletableFuture<>();
    private long number;

    Frames(TestStages stages, TestStages.Peer peer) {
      channel = stages.channel(peer);
      out =
          StageServiceGrpc.newStub(channel)
              .activate(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(ActivateSummary summary) {}

                    @Override
                    public void onError(Throwable failure) {
                      ended.complete(Status.fromThrowable(failure));
                    }

                    @Override
                    public void onCompleted() {
                      ended.complete(Status.OK);
                    }
                  });
    }

    void send(Activation.Builder frame) {
      out.onNext(frame.setNumber(number++).build());
    }

    Status status() {
      try {
        return ended.get(30, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new IllegalStateException("the stream has not ended", e);
      }
    }
  }

  final TestStages stages;
  final String id = UUID.randomUUID().toString();
  final List<TestStages.Peer> route;
  final List<Drive> drives = new ArrayList<>();
  final int pages;
  Frames frames;
  long epoch;
  private long frameNumber;

  /** Opens all stages. */
  TestRun(TestStages stages, int pages) {
    this.stages = stages;
    this.pages = pages;
    route = new ArrayList<>(stages.peers);
    epoch = 1;
    for (int i = 0; i < route.size(); i++) {
      drives.add(new Drive(stages, route.get(i)));
      open(i);
    }
    frames = new Frames(stages, route.getFirst());
  }

  Opened open(int stage) {
    drives
        .get(stage)
        .requests
        .onNext(DriveRequest.newBuilder().setOpen(openMessage(stage)).build());
    return drives.get(stage).next(DriveEvent.EventCase.OPENED).getOpened();
  }

  Open.Builder openMessage(int stage) {
    var open =
        Open.newBuilder()
            .setDeployment(TestStages.DEPLOYMENT)
            .setPlanDigest(stages.planDigest())
            .setStage(stage)
            .setRun(id)
            .setEpoch(epoch)
            .setPages(pages);
    if (stage + 1 < route.size()) {
      open.setDownstream(downstream(stage));
    }
    return open;
  }

  private Downstream downstream(int stage) {
    return Downstream.newBuilder()
        .setAddress(route.get(stage + 1).address().toString())
        .setStage(stage + 1)
        .build();
  }

  void reroute(int stage) {
    var reroute = Reroute.newBuilder().setEpoch(epoch);
    if (stage + 1 < route.size()) {
      reroute.setDownstream(downstream(stage));
    }
    drives.get(stage).requests.onNext(DriveRequest.newBuilder().setReroute(reroute).build());
    drives.get(stage).next(DriveEvent.EventCase.REROUTED);
  }

  void replay(int stage, int until, ReplaySession... sessions) {
    drives
        .get(stage)
        .requests
        .onNext(
            DriveRequest.newBuilder()
                .setReplay(
                    Replay.newBuilder()
                        .setEpoch(epoch)
                        .setUntilStage(until)
                        .addAllSessions(List.of(sessions)))
                .build());
    drives.get(stage).next(DriveEvent.EventCase.REPLAY_SENT);
  }

  void forget(long... sessions) {
    var forget = Forget.newBuilder();
    for (long session : sessions) {
      forget.addSessions(session);
    }
    for (var drive : drives) {
      drive.requests.onNext(DriveRequest.newBuilder().setForget(forget).build());
    }
  }

  Activation.Builder frame(long session, int start, List<Integer> ids, List<Integer> pages) {
    var data = ByteBuffer.allocate(4 * ids.size()).order(ByteOrder.LITTLE_ENDIAN);
    ids.forEach(data::putInt);
    var name = stages.input;
    return Activation.newBuilder()
        .setRun(id)
        .setPlanDigest(stages.planDigest())
        .setStage(0)
        .setEpoch(epoch)
        .setFrame(frameNumber++)
        .addSequences(
            Sequence.newBuilder()
                .setSession(session)
                .setStart(start)
                .setTokens(ids.size())
                .addAllPages(pages))
        .addOutputs(ids.size() - 1)
        .addTensors(
            WireTensor.newBuilder()
                .setName(name)
                .addShape(ids.size())
                .setData(ByteString.copyFrom(data.flip())));
  }

  static Activation.Builder rebuild(Activation.Builder frame, int until) {
    return frame.clearOutputs().setRebuild(Rebuild.newBuilder().setUntilStage(until).setLast(true));
  }

  /** The frame's result. */
  Activation result() {
    return drives.getLast().next(DriveEvent.EventCase.RESULT).getResult();
  }

  /** The likeliest token after a frame. */
  int greedy() {
    return argmax(result());
  }

  static int argmax(Activation result) {
    var logits =
        result
            .getTensors(0)
            .getData()
            .asReadOnlyByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    int best = 0;
    for (int i = 1; i < logits.remaining(); i++) {
      if (logits.get(i) > logits.get(best)) {
        best = i;
      }
    }
    return best;
  }

  /** Feeds a prompt and then each chosen token; {@code ids} grows by {@code count}. */
  void generate(long session, List<Integer> ids, int fed, int count, List<Integer> own) {
    int start = fed;
    for (int i = 0; i < count; i++) {
      frames.send(frame(session, start, List.copyOf(ids.subList(start, ids.size())), own));
      start = ids.size();
      ids.add(greedy());
    }
  }

  static List<Integer> pages(int from, int count) {
    return IntStream.range(from, from + count).boxed().toList();
  }

  @Override
  public void close() {
    for (var drive : drives) {
      drive.cut();
    }
    frames.channel.shutdownNow();
  }
}
