package org.fusionc.broker;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.Order;
import org.fusionc.broker.state.Orders;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.cluster.CallFailures;
import org.fusionc.runtime.net.Role;
import org.fusionc.runtime.net.Tokens;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.ProbeTarget;
import org.fusionc.runtime.proto.Segment;
import org.fusionc.runtime.proto.SegmentRole;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One peer's stream: its reports come in, its orders go out whenever they have changed. */
final class Attendance implements StreamObserver<PeerReport> {
  private static final Logger LOG = LoggerFactory.getLogger(Attendance.class);

  /** Versions of orders grow over the broker's restarts, too. */
  private static final AtomicLong VERSION = new AtomicLong(System.currentTimeMillis() << 8);

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

  private final Ledger ledger;
  private final Membership membership;
  private final @Nullable Tokens tokens;
  private final StreamObserver<PeerOrders> orders;
  private volatile String name = "";
  private volatile boolean ended;
  private volatile boolean leaving;
  private @Nullable Thread sender;

  Attendance(
      Ledger ledger,
      Membership membership,
      @Nullable Tokens tokens,
      StreamObserver<PeerOrders> orders) {
    this.ledger = ledger;
    this.membership = membership;
    this.tokens = tokens;
    this.orders = orders;
  }

  @Override
  public void onNext(PeerReport report) {
    if (ended) {
      return;
    }
    try {
      if (name.isEmpty()) {
        join(report);
        if (ended) {
          return;
        }
      }
      membership.report(name, report, this);
    } catch (DiagnosticException refused) {
      LOG.warn("a peer was refused: {}", refused.getMessage());
      end(CallFailures.status(refused));
    } catch (Ledger.NotLeading other) {
      end(Status.UNAVAILABLE.withDescription("this broker does not lead any more"));
    }
  }

  private void join(PeerReport report) {
    if (!report.hasJoin()) {
      end(Status.INVALID_ARGUMENT.withDescription("the first report must be a join"));
      return;
    }
    var join = report.getJoin();
    if (tokens != null
        && tokens.check(join.getToken(), Role.PEER) instanceof Tokens.Verdict.Refused(var why)) {
      LOG.warn("peer {} was refused: {}", join.getName(), why);
      end(Status.UNAUTHENTICATED.withDescription(why));
      return;
    }
    membership.join(report, this);
    name = join.getName();
    sender = Thread.ofVirtual().name("orders " + name).start(this::send);
  }

  /** Not while the stream is being ended. */
  private synchronized void say(PeerOrders next) {
    if (!ended) {
      orders.onNext(next);
    }
  }

  private void send() {
    try {
      long seen = -1;
      PeerOrders last = null;
      while (!ended) {
        seen = ledger.await(seen, LOOK_AGAIN);
        // Those to be measured were here when they were named: the state must be no older.
        var probes = membership.takeProbes(name);
        var next = orders(ledger.state(), probes);
        if (last == null || !next.equals(last) || next.getProbesCount() > 0) {
          last = next.toBuilder().clearProbes().build();
          say(next.toBuilder().setVersion(VERSION.incrementAndGet()).build());
          leaving = next.getLeave();
        }
      }
    } catch (Ledger.NotLeading other) {
      end(Status.UNAVAILABLE.withDescription("this broker does not lead any more"));
    } catch (InterruptedException over) {
      ended = true;
    } catch (RuntimeException failure) {
      // The peer must hear of it, or it would go on attending to a broker that does not listen.
      if (!ended) {
        LOG.warn("peer {}: its orders could not be sent", name, failure);
      }
      end(Status.UNAVAILABLE.withDescription("its orders could not be sent: " + failure));
    }
  }

  private PeerOrders orders(ClusterState state, Set<String> probes) {
    var message =
        PeerOrders.newBuilder()
            .setLeaseSeconds(membership.times().lease().toMillis() / 1e3)
            .setReportSeconds(membership.times().report().toMillis() / 1e3)
            .setLeave(Membership.mayLeave(state, name));
    if (tokens != null) {
      tokens.entries().forEach(token -> message.addTokens(token.line()));
    }
    for (var order : Orders.of(state).getOrDefault(name, List.of())) {
      message.addSegments(segment(order));
    }
    for (var target : probes) {
      state
          .peer(target)
          .ifPresent(peer ->
              message.addProbes(
                  ProbeTarget.newBuilder().setName(peer.name()).setAddress(peer.address())));
    }
    return message.build();
  }

  private static Segment segment(Order order) {
    return Segment.newBuilder()
        .setDeployment(order.key().deployment())
        .setManifest(order.manifest())
        .setPlan(order.plan())
        .setPlanDigest(ByteString.copyFrom(HexFormat.of().parseHex(order.key().digest())))
        .setStage(order.key().stage())
        .setRole(order.serving() ? SegmentRole.SERVING : SegmentRole.STANDBY)
        .setPages(order.pages())
        .setPageTokens(order.pageTokens())
        .setWeightBytes(order.need().weights())
        .setKvBytes(order.need().kv())
        .addAllSources(order.sources())
        .build();
  }

  /** Ends the stream, saying why; a peer tries again. */
  synchronized void end(Status status) {
    if (!ended) {
      ended = true;
      if (sender != null) {
        sender.interrupt();
      }
      try {
        orders.onError(status.asRuntimeException());
      } catch (IllegalStateException over) {
        // It has ended from the other side.
      }
    }
  }

  @Override
  public void onError(Throwable failure) {
    over();
  }

  @Override
  public void onCompleted() {
    over();
    try {
      orders.onCompleted();
    } catch (IllegalStateException over) {
      // It has ended from this side.
    }
  }

  private void over() {
    ended = true;
    if (sender != null) {
      sender.interrupt();
    }
    if (!name.isEmpty()) {
      try {
        membership.ended(name, this, leaving);
      } catch (Ledger.NotLeading other) {
        // The leader sees for itself.
      }
    }
  }
}
