package org.fusionc.broker;

import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.LinkMeasure;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.Segment;
import org.fusionc.runtime.proto.SegmentState;
import org.fusionc.runtime.proto.Speed;
import org.jspecify.annotations.Nullable;

/**
 * Attends a broker over the wire as a peer does, and says of all that is ordered that it is there.
 */
final class ScriptedPeer implements StreamObserver<PeerOrders>, AutoCloseable {
  private final String name;
  private final ManagedChannel channel;
  private final StreamObserver<PeerReport> reports;
  private final String instance;
  private final long memory;
  private final Thread reporter;
  private final List<Segment> ordered = new ArrayList<>();
  private final Set<String> measured = ConcurrentHashMap.newKeySet();
  private final List<LinkMeasure> links = new ArrayList<>();
  private long version;
  private boolean joined;
  private boolean draining;
  private boolean leave;
  private volatile double flops = 30e9;
  private volatile @Nullable Throwable failure;
  private volatile boolean silent;

  ScriptedPeer(Address broker, String name, long memory) {
    this(broker, name, memory, UUID.randomUUID().toString());
  }

  ScriptedPeer(Address broker, String name, long memory, String instance) {
    this(broker, name, memory, instance, 0);
  }

  /**
   * @param version of the orders that it has already
   */
  ScriptedPeer(Address broker, String name, long memory, String instance, long version) {
    this.version = version;
    this.name = name;
    this.memory = memory;
    this.instance = instance;
    channel = Transport.plain().channel(broker);
    reports = BrokerServiceGrpc.newStub(channel).attend(this);
    reporter = Thread.ofVirtual().start(this::run);
  }

  private void run() {
    try {
      while (failure == null) {
        if (!silent) {
          reports.onNext(report());
        }
        synchronized (this) {
          if (leave) {
            reports.onCompleted();
            return;
          }
        }
        Thread.sleep(50);
      }
    } catch (InterruptedException | IllegalStateException over) {
      // Closed.
    }
  }

  private synchronized PeerReport report() {
    var report = PeerReport.newBuilder().setDraining(draining).setOrdersVersion(version);
    if (!joined) {
      joined = true;
      report.setJoin(
          Join.newBuilder()
              .setName(name)
              .setInstance(instance)
              .setAddress("127.0.0.1:" + (10_000 + Math.abs(name.hashCode()) % 10_000))
              .setMemory(memory)
              .setBackend("cpu")
              .setKind("cpu")
              .setThreads(1)
              .setVersion("test"));
    }
    report.setSpeed(Speed.newBuilder().putFlops("f32", flops).setBandwidth(flops / 3));
    report.addAllLinks(links);
    links.clear();
    for (var segment : ordered) {
      report.addSegments(
          SegmentState.newBuilder()
              .setDeployment(segment.getDeployment())
              .setPlanDigest(segment.getPlanDigest())
              .setStage(segment.getStage())
              .setPhase(SegmentState.Phase.READY)
              .setBytes(segment.getWeightBytes() + segment.getKvBytes()));
    }
    return report.build();
  }

  @Override
  public synchronized void onNext(PeerOrders orders) {
    version = orders.getVersion();
    ordered.clear();
    ordered.addAll(orders.getSegmentsList());
    for (var probe : orders.getProbesList()) {
      measured.add(probe.getName());
      links.add(
          LinkMeasure.newBuilder()
              .setTo(probe.getName())
              .setLatency(0.1e-3)
              .setBandwidth(1e9)
              .build());
    }
    leave = orders.getLeave();
  }

  @Override
  public void onError(Throwable why) {
    failure = why;
  }

  @Override
  public void onCompleted() {
    failure = new IllegalStateException("the broker ended the stream");
  }

  synchronized List<Segment> ordered() {
    return List.copyOf(ordered);
  }

  Set<String> measured() {
    return measured;
  }

  synchronized void drain() {
    draining = true;
  }

  synchronized boolean hasLeft() {
    return leave;
  }

  void speed(double value) {
    flops = value;
  }

  /** Says nothing more, with its connection open, as a process that hangs. */
  void hang() {
    silent = true;
  }

  @Nullable Throwable failure() {
    return failure;
  }

  /** Vanishes, as a process that was killed. */
  @Override
  public void close() {
    reporter.interrupt();
    channel.shutdownNow();
    try {
      channel.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
