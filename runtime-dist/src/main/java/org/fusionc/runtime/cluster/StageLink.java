package org.fusionc.runtime.cluster;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.Downstream;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.Forget;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.Ping;
import org.fusionc.runtime.proto.Pong;
import org.fusionc.runtime.proto.Replay;
import org.fusionc.runtime.proto.Reroute;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.jspecify.annotations.Nullable;

/**
 * The control stream to one stage at one peer, on a connection of its own, so that what goes wrong
 * with it says something of this stage alone. All but the connection's callbacks, which only post
 * events, is of the run's thread.
 */
final class StageLink {
  /** How many messages may wait to be handled; half as many are asked for at a time. */
  private static final int MESSAGES = 128;

  private final Holder holder;
  private final int stage;
  private final ManagedChannel channel;
  private final ClientCallStreamObserver<DriveRequest> requests;

  /** Until when the answer to Open must have come. */
  final long openBefore;

  private int handled;
  private boolean open;
  private boolean resumed;
  private boolean closed;

  /** The newest epoch that the stage has said to have begun. */
  private long epoch;

  private long heard;
  private long pinged;
  private long nonce;
  private @Nullable Pong pong;
  private final List<Long> forgetting = new ArrayList<>();
  private long forgotten;
  private long computed;
  private long computedBefore;
  private double usualNanosPerToken;

  StageLink(
      Transport transport,
      Holder holder,
      Open request,
      long now,
      long openBefore,
      Consumer<Event> events) {
    this.holder = holder;
    this.stage = request.getStage();
    this.openBefore = openBefore;
    this.heard = now;
    this.pinged = now;
    channel = transport.channel(holder.address());
    // Callbacks only post, so they may run on the connection's own thread.
    var stub = StageServiceGrpc.newStub(channel).withExecutor(Runnable::run);
    requests = (ClientCallStreamObserver<DriveRequest>) stub.drive(new Answers(events));
    requests.onNext(DriveRequest.newBuilder().setOpen(request).build());
  }

  private final class Answers implements ClientResponseObserver<DriveRequest, DriveEvent> {
    private final Consumer<Event> events;

    Answers(Consumer<Event> events) {
      this.events = events;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<DriveRequest> stream) {
      stream.disableAutoRequestWithInitial(MESSAGES);
    }

    @Override
    public void onNext(DriveEvent event) {
      events.accept(new Event.Heard(StageLink.this, event, System.nanoTime()));
    }

    @Override
    public void onError(Throwable failure) {
      events.accept(new Event.LinkEnded(StageLink.this, Status.fromThrowable(failure)));
    }

    @Override
    public void onCompleted() {
      var ended = Status.UNAVAILABLE.withDescription("the peer ended the stream");
      events.accept(new Event.LinkEnded(StageLink.this, ended));
    }
  }

  Holder holder() {
    return holder;
  }

  int stage() {
    return stage;
  }

  /** The connection, which frames for this stage use as well. */
  ManagedChannel channel() {
    return channel;
  }

  /** Whether the stage has been taken into use. */
  boolean isOpen() {
    return open;
  }

  /** Whether the stage still had the run's cache when it was opened. */
  boolean isResumed() {
    return resumed;
  }

  boolean isClosed() {
    return closed;
  }

  boolean hasBegun(long wanted) {
    return open && epoch == wanted;
  }

  void opened(long begun, boolean still) {
    open = true;
    resumed = still;
    epoch = Math.max(epoch, begun);
  }

  void rerouted(long begun) {
    epoch = Math.max(epoch, begun);
  }

  /**
   * A message has been handled: the stage may send another. Asking takes a hop to the connection's
   * thread, so it is done for many at once.
   */
  void handled() {
    handled++;
    if (handled == MESSAGES / 2) {
      handled = 0;
      requests.request(MESSAGES / 2);
    }
  }

  void heard(long at) {
    heard = Math.max(heard, at);
  }

  long lastHeard() {
    return heard;
  }

  /** The run's thread was kept from listening for so long: that is not the stage's fault. */
  void excuse(long nanos) {
    heard += nanos;
  }

  /** Takes up what a ping was answered with. */
  void heard(Pong answer) {
    if (answer.getComputed() > computed && answer.getNanosPerToken() > 0) {
      // Moves slowly, so that a stage that gets slower is measured by what it was.
      double latest = answer.getNanosPerToken();
      usualNanosPerToken =
          usualNanosPerToken == 0 ? latest : 0.9 * usualNanosPerToken + 0.1 * latest;
    }
    computed = answer.getComputed();
    pong = answer;
    // It answers in order: what was asked before the ping has been done.
    if (answer.getNonce() >= forgotten) {
      forgetting.clear();
    }
  }

  /** Frames computed for this run so far. */
  long computed() {
    return computed;
  }

  /** Frames are about to be sent. */
  void mark() {
    computedBefore = computed;
  }

  /** Whether it has computed any since the frames of this epoch were sent. */
  boolean hasComputedInEpoch() {
    return computed > computedBefore;
  }

  boolean isIdle() {
    return pong == null || (pong.getQueued() == 0 && pong.getRunningNanos() == 0);
  }

  /** Whether the frame being computed takes so long that another peer would be quicker. */
  boolean isSlow() {
    if (pong == null || usualNanosPerToken == 0) {
      return false;
    }
    double expected = usualNanosPerToken * Math.max(1, pong.getRunningTokens());
    return pong.getRunningNanos() > Math.max(1e9, 8 * expected);
  }

  void ping(long now, long interval) {
    if (now - pinged >= interval) {
      pinged = now;
      send(DriveRequest.newBuilder().setPing(Ping.newBuilder().setNonce(++nonce)));
    }
  }

  void reroute(long next, @Nullable Downstream downstream) {
    var reroute = Reroute.newBuilder().setEpoch(next);
    if (downstream != null) {
      reroute.setDownstream(downstream);
    }
    send(DriveRequest.newBuilder().setReroute(reroute));
  }

  void replay(Replay replay) {
    send(DriveRequest.newBuilder().setReplay(replay));
  }

  /** Sessions have ended; see {@link #forgetsUnderWay}. */
  void forget(Collection<Long> sessions, long now) {
    if (!sessions.isEmpty()) {
      send(DriveRequest.newBuilder().setForget(Forget.newBuilder().addAllSessions(sessions)));
      forgetting.addAll(sessions);
      ping(now, 0);
      forgotten = nonce;
    }
  }

  /** The sessions that the stage may not have forgotten yet, so that their pages are not free. */
  List<Long> forgetsUnderWay() {
    return forgetting;
  }

  private void send(DriveRequest.Builder request) {
    if (!closed) {
      requests.onNext(request.build());
    }
  }

  /** Leaves the stage in order: what was sent before still arrives. */
  void leave() {
    if (!closed) {
      closed = true;
      requests.onCompleted();
      channel.shutdown();
      // A peer that does not end its side would keep the connection.
      Thread.ofVirtual()
          .start(() -> {
            try {
              channel.awaitTermination(2, java.util.concurrent.TimeUnit.SECONDS);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            channel.shutdownNow();
          });
    }
  }

  /** Breaks the connection off, at once. */
  void cut() {
    if (!closed) {
      closed = true;
      channel.shutdownNow();
    }
  }

  @Override
  public String toString() {
    return "stage " + stage + " on " + holder;
  }
}
