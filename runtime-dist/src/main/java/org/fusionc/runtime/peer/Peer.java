package org.fusionc.runtime.peer;

import io.grpc.Server;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.blob.BlobFetcher;
import org.fusionc.runtime.blob.BlobServer;
import org.fusionc.runtime.exec.Pipeline;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.TokenEntry;
import org.fusionc.runtime.net.Tokens;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.Join;
import org.fusionc.runtime.proto.PeerOrders;
import org.fusionc.runtime.proto.PeerReport;
import org.fusionc.runtime.proto.Speed;
import org.fusionc.runtime.stage.StageHost;
import org.fusionc.runtime.stage.StageServer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A machine, or a part of one, that holds and computes stages for a cluster. */
public final class Peer implements AutoCloseable {
  static final Logger LOG = LoggerFactory.getLogger(Peer.class);
  private static final String VERSION = "0.1.0";
  private static final String BACKEND = "cpu";

  /** Runs that cannot move elsewhere keep a leaving peer no longer than this. */
  private static final Duration LONGEST_DRAIN = Duration.ofSeconds(30);

  /** A peer that no run uses waits so long for the broker to have its segments taken over. */
  private static final Duration HAND_OVER = Duration.ofSeconds(5);

  /** The first measure is of a machine that is busy starting, so the second comes soon. */
  private static final Duration MEASURE_SOON = Duration.ofMinutes(1);

  private static final Duration MEASURE_AGAIN = Duration.ofMinutes(10);
  private static final Duration CLEAN = Duration.ofSeconds(20);

  private final PeerOptions options;
  private final String name;
  private final Consumer<String> events;
  private final DataDirectory data;
  private final Backend backend = Compiler.backend(BACKEND);
  private final String kind = backend.kind();
  private final MemoryBudget budget;
  private final StageHost host;
  private final Links links;
  private final Holdings holdings;
  private final ExecutorService compiling;
  private final Server server;
  private final Address address;
  private final Attendance attendance;
  private final Thread upkeep;
  private final CountDownLatch left = new CountDownLatch(1);
  private final String token;
  private volatile @Nullable Speed unreported;
  private volatile @Nullable Speed speed;
  private volatile long ordersVersion;

  /** Those whom the broker admits; nobody until it has said so. */
  private volatile List<TokenEntry> admitted = List.of();

  private volatile boolean draining;
  private volatile boolean mayLeave;
  private boolean closed;

  private Peer(
      PeerOptions options, Transport transport, DataDirectory data, Consumer<String> events) {
    this.options = options;
    this.data = data;
    var given = options.name();
    name = given == null ? nameOf(data) : given;
    this.events = line -> events.accept("peer " + name + ": " + line);
    token = transport.options().token() == null ? "" : String.valueOf(transport.options().token());
    budget = new MemoryBudget(options.memory() == 0 ? MemoryBudget.ofMachine() : options.memory());
    host = new StageHost(transport, StageHost.Options.defaults(), budget);
    links = new Links(transport);
    compiling =
        Executors.newSingleThreadExecutor(
            task -> Thread.ofPlatform().daemon().name("compile").unstarted(task));
    holdings = new Holdings(this::workshop);
    try {
      server =
          transport
              .server(options.listen(), token.isEmpty() ? null : Tokens.of(() -> admitted))
              .addService(new StageServer(host))
              .addService(BlobServer.readOnly(data.blobs()))
              .addService(new EchoServer())
              .build()
              .start();
    } catch (IOException | DiagnosticException failure) {
      links.close();
      host.close();
      compiling.shutdown();
      throw failure instanceof DiagnosticException known
          ? known
          : Diagnostic.failed(
                  Location.named(options.listen().toString()),
                  "cannot listen here: " + rootMessage(failure),
                  "choose another --listen address; port 0 takes a free one")
              .exception();
    }
    var bound = options.listen().withPort(server.getPort());
    address = options.advertise() == null ? bound : options.advertise();
    attendance = new Attendance(options.brokers(), links::channel, new Membership());
    upkeep = Thread.ofVirtual().name("upkeep").unstarted(this::upkeep);
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  private Workshop workshop(Holdings holdings) {
    return new Workshop(
        data,
        new BlobFetcher(data.blobs(), BlobFetcher.Options.defaults()),
        host,
        budget,
        backend,
        options.threads(),
        compiling,
        events,
        peers -> links.sources(peers, broker()),
        holdings::makeRoom);
  }

  private Address broker() {
    return attendance.broker();
  }

  /**
   * Starts: measures the machine unless that was done before, offers its services, and attends at
   * the broker, for which it waits as long as it takes.
   *
   * @param events told a line for each thing that happens, for people
   * @throws DiagnosticException if the data directory is in use, or the address to listen on is
   */
  public static Peer start(PeerOptions options, Transport transport, Consumer<String> events) {
    var data = DataDirectory.open(options.data());
    try {
      var peer = new Peer(options, transport, data, events);
      peer.begin();
      return peer;
    } catch (RuntimeException | Error failure) {
      data.close();
      throw failure;
    }
  }

  private void begin() {
    var known = data.speed(options.threads());
    if (known == null) {
      measure();
    } else {
      speed = known;
    }
    events.accept(
        "listening on %s, with %s of memory and %d threads; joining %s"
            .formatted(address, MemoryBudget.text(budget.total()), options.threads(), broker()));
    attendance.start();
    upkeep.start();
  }

  /** Tells people something in this peer's name. */
  void say(String line) {
    events.accept(line);
  }

  public String name() {
    return name;
  }

  /** At which others reach it. */
  public Address address() {
    return address;
  }

  private static String nameOf(DataDirectory data) {
    String host;
    try {
      host = InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException nameless) {
      host = "peer";
    }
    int dot = host.indexOf('.');
    var plain = (dot > 0 ? host.substring(0, dot) : host).replaceAll("[^a-zA-Z0-9_-]", "-");
    return plain.substring(0, Math.min(50, plain.length())) + "-" + data.instance().substring(0, 6);
  }

  private void measure() {
    var task =
        compiling.submit(() -> {
          var measured = SpeedTest.measure(backend, options.threads());
          speed = measured;
          unreported = measured;
          data.speed(options.threads(), measured);
          return measured;
        });
    try {
      var measured = task.get();
      events.accept(
          "measured: memory %.3g GB/s, f32 %.3g GFLOP/s, bf16 %.3g GFLOP/s"
              .formatted(
                  measured.getBandwidth() / 1e9,
                  measured.getFlopsOrDefault("f32", 0) / 1e9,
                  measured.getFlopsOrDefault("bf16", 0) / 1e9));
    } catch (InterruptedException over) {
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException failure) {
      // A peer of unknown speed is still a peer.
      LOG.warn("the machine's speed was not measured: {}", String.valueOf(failure.getCause()));
    }
  }

  private void upkeep() {
    long measured = System.nanoTime();
    var pause = MEASURE_SOON;
    try {
      while (true) {
        Thread.sleep(CLEAN);
        holdings.clean();
        boolean idle = holdings.runs() == 0 && !draining;
        if (idle && System.nanoTime() - measured > pause.toNanos()) {
          measure();
          pause = MEASURE_AGAIN;
          measured = System.nanoTime();
        }
      }
    } catch (InterruptedException over) {
      // The peer leaves.
    }
  }

  /** What the attendance asks and tells. */
  private final class Membership implements Attendance.Member {
    private boolean everJoined;

    @Override
    public PeerReport.Builder report(boolean first) {
      var report =
          PeerReport.newBuilder()
              .setOrdersVersion(ordersVersion)
              .addAllSegments(holdings.states())
              .addAllLinks(links.measured())
              .setMemoryUsed(budget.used())
              .setDraining(draining);
      var measured = first ? speed : unreported;
      if (measured != null) {
        report.setSpeed(measured);
      }
      if (first) {
        report.setJoin(
            Join.newBuilder()
                .setName(name)
                .setInstance(data.instance())
                .setAddress(address.toString())
                .setToken(token)
                .setMemory(budget.total())
                .setBackend(BACKEND)
                .setKind(kind)
                .setThreads(options.threads())
                .setVersion(VERSION));
      }
      return report;
    }

    @Override
    public void reported(PeerReport report) {
      links.reported(report.getLinksList());
      if (report.hasSpeed()) {
        unreported = null;
      }
    }

    @Override
    public void ordered(PeerOrders orders) {
      ordersVersion = orders.getVersion();
      admitted = orders.getTokensList().stream().map(TokenEntry::parse).toList();
      links.measure(orders.getProbesList());
      if (orders.getLeave()) {
        mayLeave = true;
        drain("the broker lets it leave");
      } else {
        holdings.order(orders.getSegmentsList());
      }
    }

    @Override
    public void joined(Address broker) {
      events.accept(
          everJoined
              ? "joined " + broker + " again"
              : "listening on " + address + ", joined " + broker);
      everJoined = true;
    }

    @Override
    public void alone(Address broker, String why) {
      events.accept(
          "broker %s is not to be had (%s); trying again, all else goes on".formatted(broker, why));
    }
  }

  /** Begins to leave: runs are told to move elsewhere, and no new ones are taken. */
  public void drain(String why) {
    synchronized (this) {
      if (draining) {
        return;
      }
      draining = true;
    }
    events.accept("draining: " + why);
    host.drain();
    attendance.hurry();
    Thread.ofVirtual().name("drain").start(this::leaveWhenUnused);
  }

  private void leaveWhenUnused() {
    long begin = System.nanoTime();
    int runs = holdings.runs();
    try {
      while (true) {
        long passed = System.nanoTime() - begin;
        runs = holdings.runs();
        boolean handedOver = mayLeave || !attendance.isAttending() || passed > HAND_OVER.toNanos();
        if ((runs == 0 && handedOver) || passed > LONGEST_DRAIN.toNanos()) {
          break;
        }
        Thread.sleep(50);
      }
    } catch (InterruptedException atOnce) {
      // It is to leave now.
    }
    events.accept(
        "drained after %.1f s%s"
            .formatted(
                (System.nanoTime() - begin) / 1e9,
                runs == 0 ? "" : ", though runs still use its stages"));
    left.countDown();
  }

  /** Waits until it has drained. */
  public void awaitLeaving() throws InterruptedException {
    left.await();
  }

  /** Ends everything at once: runs that use it find out that it is gone. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      attendance.leave();
    } catch (InterruptedException hurry) {
      Thread.currentThread().interrupt();
    }
    upkeep.interrupt();
    Pipeline.join(upkeep);
    holdings.stop();
    server.shutdown();
    host.close();
    try {
      if (!server.awaitTermination(500, TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
      }
    } catch (InterruptedException hurry) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    compiling.shutdown();
    links.close();
    data.close();
    left.countDown();
  }
}
