package org.fusionc.broker;

import io.grpc.Server;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.fusionc.broker.plan.Models;
import org.fusionc.broker.plan.Replanning;
import org.fusionc.broker.store.Compare;
import org.fusionc.broker.store.Election;
import org.fusionc.broker.store.EmbeddedStore;
import org.fusionc.broker.store.EtcdStore;
import org.fusionc.broker.store.Store;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.blob.BlobServer;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Tokens;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.ClusterStatus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The daemon: who is here, what each can do, which plans are live, who stands by. */
public final class Broker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Broker.class);

  /** The largest blob that is taken. */
  private static final long LARGEST_BLOB = 64L << 30;

  /** After which another broker leads when this one is gone. */
  private static final Duration TERM = Duration.ofSeconds(5);

  /**
   * How to run.
   *
   * @param listen port 0 lets the system choose
   * @param data where state and blobs are kept
   * @param store {@code etcd://…}; null for a file in the data directory
   * @param tokens that peers, clients and administrators show; null if none are asked for
   * @param replanning when a better plan takes the place of one
   */
  public record Options(
      Address listen,
      Path data,
      @Nullable String store,
      @Nullable Path tokens,
      Transport transport,
      Replanning.Policy replanning) {
    public Options(
        Address listen,
        Path data,
        @Nullable String store,
        @Nullable Path tokens,
        Transport transport) {
      this(listen, data, store, tokens, transport, Replanning.Policy.DEFAULT);
    }
  }

  private final Options options;
  private final Models models;
  private final Store store;
  private final Ledger ledger;
  private final Membership membership;
  private final Runs runs;
  private final List<Thread> threads = new ArrayList<>();
  private final Server server;
  private final Address address;
  private final Election election;

  /**
   * Opens the state and begins to listen.
   *
   * @throws DiagnosticException if the data directory is another broker's or damaged, or the
   *     address is taken
   */
  public static Broker start(Options options) {
    var store =
        options.store() == null
            ? EmbeddedStore.open(options.data())
            : EtcdStore.open(options.store());
    try {
      return new Broker(options, store);
    } catch (RuntimeException failure) {
      store.close();
      throw failure;
    }
  }

  /** Where state and blobs are kept unless it is said otherwise. */
  public static Path defaultData() {
    var data = System.getenv("XDG_DATA_HOME");
    var base =
        data == null || data.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".local", "share")
            : Path.of(data);
    return base.resolve("fusionc").resolve("broker");
  }

  private Broker(Options options, Store store) {
    this.options = options;
    this.store = store;
    ledger = new Ledger(store);
    membership = new Membership(ledger, Membership.Times.DEFAULT);
    runs = new Runs(ledger);
    var blobs = BlobDirectory.open(options.data(), LARGEST_BLOB);
    models = new Models(blobs);
    var deployments = new Deployments(ledger, membership, blobs, models);
    var tokens = options.tokens() == null ? null : Tokens.of(options.tokens());
    var service =
        new BrokerServer(
            ledger, membership, deployments, runs, tokens, this::leading, this::leader);
    server =
        options
            .transport()
            .controlServer(options.listen(), tokens)
            .addService(service)
            .addService(BlobServer.writable(blobs))
            .build();
    listen(options.listen());
    address = options.listen().withPort(server.getPort());
    start("leases", membership::run);
    start("plans", new Replanner(ledger, models, options.replanning())::run);
    var copies =
        new BlobCopies(
            store, ledger, blobs, deployments, models, options.transport(), this::leader);
    election =
        Election.stand(store, Ledger.PREFIX + "leader", address.toString(), TERM, candidate());
    start("blobs", copies::run);
    try {
      election.awaitFirst(TERM);
    } catch (InterruptedException ending) {
      Thread.currentThread().interrupt();
    }
  }

  private void listen(Address listen) {
    try {
      server.start();
    } catch (IOException failure) {
      throw Diagnostic.failed(
              Location.named(listen.toString()),
              "the broker cannot listen there: "
                  + (failure.getCause() == null ? failure : failure.getCause()).getMessage(),
              "stop what uses the port, or choose another with --listen")
          .exception();
    }
  }

  private void start(String name, Runnable work) {
    threads.add(Thread.ofVirtual().name(name).start(work));
  }

  private Election.Candidate candidate() {
    return new Election.Candidate() {
      @Override
      public void elected(Compare term) {
        ledger.lead(term);
        var state = ledger.state();
        membership.begin(state);
        LOG.info(
            "leads: {} peers and {} deployments are known",
            state.peers().size(),
            state.deployments().size());
      }

      @Override
      public void deposed() {
        LOG.info("leads no more");
        ledger.follow();
        membership.end();
      }
    };
  }

  private String leader() {
    try {
      return election.leader().filter(other -> !other.equals(address.toString())).orElse("");
    } catch (DiagnosticException unknown) {
      // The store is closed, or cannot be reached.
      return "";
    }
  }

  /** The models that have been put here. */
  public Models models() {
    return models;
  }

  /** Whether it asks nobody for a certificate or a token, and so listens on loopback only. */
  public boolean isOpen() {
    return options.tokens() == null && options.transport().options().tls() == null;
  }

  /** Where it listens. */
  public Address address() {
    return address;
  }

  private ClusterStatus leading() {
    return Views.status(address.toString(), ledger.state(), membership, runs);
  }

  /** Everything, for people. One that does not lead knows nothing but its own address. */
  public ClusterStatus status() {
    try {
      return leading();
    } catch (Ledger.NotLeading other) {
      return ClusterStatus.newBuilder().setBroker(address.toString()).build();
    }
  }

  /** Waits until the status may have changed, or the time is over. */
  public long await(long seen, Duration time) throws InterruptedException {
    return ledger.await(seen, time);
  }

  /** The port's own address, for those that asked for any. */
  public InetSocketAddress listening() {
    return address.resolve();
  }

  @Override
  public void close() {
    server.shutdown();
    threads.forEach(Thread::interrupt);
    election.close();
    ledger.follow();
    try {
      if (!server.awaitTermination(2, TimeUnit.SECONDS)) {
        server.shutdownNow();
      }
    } catch (InterruptedException ending) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    store.close();
  }
}
