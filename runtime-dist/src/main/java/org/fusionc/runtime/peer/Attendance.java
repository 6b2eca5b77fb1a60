package org.fusionc.runtime.peer;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.TlsFailure;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A peer's membership: reports to a broker as often as it wishes and takes its orders, and finds it
 * again, or another, whenever it is gone. Without a broker the last orders stand.
 */
final class Attendance {
  private static final Logger LOG = LoggerFactory.getLogger(Attendance.class);
  private static final Duration SHORTEST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  /** What is attended. */
  interface Member {
    /** What to report now. */
    PeerReport.Builder report(boolean first);

    /** The report went out. */
    void reported(PeerReport report);

    void ordered(PeerOrders orders);

    /** The first orders of a stream have come. */
    void joined(Address broker);

    /** The broker is not to be had. */
    void alone(Address broker, String why);
  }

  private final List<Address> brokers;
  private final java.util.function.Function<Address, ManagedChannel> channels;
  private final Member member;
  private final Thread thread;
  private volatile Address current;
  private volatile @Nullable Stream live;
  private volatile boolean attending;
  private volatile boolean closing;

  Attendance(
      List<Address> brokers,
      java.util.function.Function<Address, ManagedChannel> channels,
      Member member) {
    this.brokers = brokers;
    this.channels = channels;
    this.member = member;
    current = brokers.getFirst();
    thread = Thread.ofVirtual().name("attend").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** The broker that was attended last, or is being tried. */
  Address broker() {
    return current;
  }

  /** Whether a broker gives orders now. */
  boolean isAttending() {
    return attending;
  }

  private void run() {
    long pause = SHORTEST_PAUSE.toMillis();
    String last = "";
    for (int turn = 0; !closing; turn++) {
      current = brokers.get(turn % brokers.size());
      var stream = new Stream();
      live = stream;
      try {
        stream.attend();
      } catch (InterruptedException over) {
        return;
      } catch (RuntimeException | Error defect) {
        LOG.error("a defect ends the stream to {}; there will be another", current, defect);
        stream.fail(defect);
      } finally {
        attending = false;
      }
      if (closing) {
        return;
      }
      if (stream.defective) {
        pause = LONGEST_PAUSE.toMillis();
      } else if (stream.joined) {
        pause = SHORTEST_PAUSE.toMillis();
        last = "";
        // Whoever was the right one is so again most likely.
        turn--;
      }
      var why = current + ": " + stream.reason();
      if (!why.equals(last)) {
        member.alone(current, stream.reason());
      }
      last = why;
      try {
        Thread.sleep(pause / 2 + ThreadLocalRandom.current().nextLong(pause / 2 + 1));
      } catch (InterruptedException over) {
        return;
      }
      pause = Math.min(pause * 2, LONGEST_PAUSE.toMillis());
    }
  }

  /** One stream to one broker. */
  private final class Stream implements ClientResponseObserver<PeerReport, PeerOrders> {
    private volatile @Nullable Throwable failure;
    private volatile boolean over;
    private volatile boolean joined;
    private volatile boolean defective;
    private boolean hurried;
    private volatile long everyMillis = 1000;
    private volatile long heard = System.nanoTime();

    @Override
    public void beforeStart(ClientCallStreamObserver<PeerReport> requests) {}

    /** Returns when the stream is over. */
    void attend() throws InterruptedException {
      var channel = channels.apply(current);
      channel.resetConnectBackoff();
      var reports =
          (ClientCallStreamObserver<PeerReport>) BrokerServiceGrpc.newStub(channel).attend(this);
      try {
        boolean first = true;
        while (!over && !closing) {
          // Nothing is sent to a broker that does not read: the next report says it all again.
          if (first || reports.isReady()) {
            var report = member.report(first).build();
            if (!send(reports, report)) {
              return;
            }
            member.reported(report);
            first = false;
          }
          if (!joined && System.nanoTime() - heard > PATIENCE.toNanos()) {
            failure =
                Status.DEADLINE_EXCEEDED
                    .withDescription("no orders in " + PATIENCE.toSeconds() + " s")
                    .asException();
            over = true;
          }
          await();
        }
        if (closing && !over) {
          if (send(reports, member.report(false).build())) {
            reports.onCompleted();
            awaitEnd();
          }
        }
      } finally {
        reports.cancel("the peer ends the stream", null);
      }
    }

    /** Whether the call was not over. */
    private static boolean send(ClientCallStreamObserver<PeerReport> reports, PeerReport report) {
      try {
        reports.onNext(report);
        return true;
      } catch (IllegalStateException ended) {
        // It was over before its observer heard of it.
        return false;
      }
    }

    synchronized void fail(Throwable defect) {
      defective = true;
      if (failure == null) {
        failure = Status.INTERNAL.withDescription("a defect of this peer: " + defect).asException();
      }
      over = true;
    }

    private synchronized void await() throws InterruptedException {
      long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(everyMillis);
      while (!over && !closing && !hurried) {
        long left = until - System.nanoTime();
        if (left <= 0) {
          return;
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
      hurried = false;
    }

    synchronized void hurry() {
      hurried = true;
      notifyAll();
    }

    private synchronized void awaitEnd() throws InterruptedException {
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
      while (!over && System.nanoTime() < until) {
        wait(100);
      }
    }

    @Override
    public void onNext(PeerOrders orders) {
      heard = System.nanoTime();
      if (orders.getReportSeconds() > 0) {
        everyMillis = (long) Math.clamp(orders.getReportSeconds() * 1e3, 50, 60_000);
      }
      try {
        if (!joined) {
          joined = true;
          attending = true;
          member.joined(current);
        }
        member.ordered(orders);
      } catch (RuntimeException | Error defect) {
        LOG.error("a defect: orders of {} could not be taken up", current, defect);
        fail(defect);
        throw defect;
      }
    }

    @Override
    public synchronized void onError(Throwable thrown) {
      // Whoever gave up first has said why; the call's cancellation comes after that.
      if (failure == null) {
        failure = thrown;
      }
      over = true;
      notifyAll();
    }

    @Override
    public synchronized void onCompleted() {
      over = true;
      notifyAll();
    }

    String reason() {
      var thrown = failure;
      if (thrown == null) {
        return "it ended the stream";
      }
      var tls = TlsFailure.of(thrown);
      if (tls.isPresent()) {
        return tls.get() + "; check that both certificates are of one CA";
      }
      var status = Status.fromThrowable(thrown);
      var cause = status.getCause();
      var description = status.getDescription();
      var said = description == null ? status.getCode().toString() : description;
      if (!joined && cause == null && hungUp(thrown)) {
        return said + "; if it uses TLS, give --tls DIR";
      }
      return said + (cause == null || cause.getMessage() == null ? "" : ": " + cause.getMessage());
    }

    /** A server of TLS does so to whoever speaks without; one that refuses sends trailers. */
    private boolean hungUp(Throwable thrown) {
      var trailers = Status.trailersFromThrowable(thrown);
      return Status.fromThrowable(thrown).getCode() == Status.Code.UNAVAILABLE
          && (trailers == null || trailers.keys().isEmpty());
    }
  }

  /** Has the next report go out now. */
  void hurry() {
    var stream = live;
    if (stream != null) {
      stream.hurry();
    }
  }

  /** Tells the broker a last time how things are, and ends the stream in order. */
  void leave() throws InterruptedException {
    closing = true;
    hurry();
    thread.join(Duration.ofSeconds(3));
    thread.interrupt();
  }
}
