package org.fusionc.broker;

import io.grpc.ManagedChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.fusionc.broker.plan.Models;
import org.fusionc.broker.state.ClusterState;
import org.fusionc.broker.state.PeerState;
import org.fusionc.broker.store.Store;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.artifact.Descriptor;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.artifact.Manifest;
import org.fusionc.runtime.artifact.MediaTypes;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.blob.BlobFetcher;
import org.fusionc.runtime.blob.BlobSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps here the blobs of all that is deployed. A broker that stands by copies them from the one
 * that leads, so that nothing is missing when that one is gone. One that leads without all of them,
 * since the other was gone before they were copied, takes what peers hold; what nobody has is put
 * again by whoever deploys it again.
 */
final class BlobCopies {
  private static final Logger LOG = LoggerFactory.getLogger(BlobCopies.class);
  private static final Duration LOOK = Duration.ofSeconds(2);

  /** A broker that stands by keeps so long what is deployed no more. */
  private static final Duration UNUSED = Duration.ofMinutes(30);

  /** One that leads keeps so long what has been put and was never deployed; it may be coming. */
  private static final Duration PUT = Duration.ofDays(1);

  private static final long CLEAN = Duration.ofMinutes(1).toNanos();

  private final Store store;
  private final Ledger ledger;
  private final BlobDirectory blobs;
  private final Deployments deployments;
  private final Models models;
  private final Transport transport;
  private final Supplier<String> leader;
  private final BlobFetcher fetcher;
  private final Map<Address, ManagedChannel> channels = new HashMap<>();

  /** Digests of manifests all of whose blobs are here. */
  private final Set<String> complete = new HashSet<>();

  private String trouble = "";
  private long cleaned = System.nanoTime();

  /**
   * @param leader the address of the broker that leads, if it is another one; else empty
   */
  BlobCopies(
      Store store,
      Ledger ledger,
      BlobDirectory blobs,
      Deployments deployments,
      Models models,
      Transport transport,
      Supplier<String> leader) {
    this.store = store;
    this.ledger = ledger;
    this.blobs = blobs;
    this.deployments = deployments;
    this.models = models;
    this.transport = transport;
    this.leader = leader;
    fetcher = new BlobFetcher(blobs, BlobFetcher.Options.defaults());
  }

  /** Looks again and again, until interrupted. */
  void run() {
    try {
      while (true) {
        Thread.sleep(LOOK);
        try {
          look();
          trouble = "";
        } catch (Ledger.NotLeading other) {
          // It did when it was asked; the store says how things are.
        } catch (DiagnosticException | IOException failure) {
          say("blobs of what is deployed are not all here: " + failure.getMessage());
        } catch (RuntimeException failure) {
          LOG.error("blobs could not be looked at", failure);
        }
      }
    } catch (InterruptedException ending) {
      // The broker closes.
    } finally {
      disconnect();
    }
  }

  private void say(String what) {
    if (!what.equals(trouble)) {
      trouble = what;
      LOG.warn(what);
    }
  }

  private void look() throws InterruptedException, IOException {
    boolean leads = ledger.leads();
    var state = leads ? ledger.state() : Ledger.read(store);
    var manifests = state.manifests();
    complete.retainAll(manifests);
    var troubles = new ArrayList<String>();
    for (var deployment : state.deployments().values()) {
      if (!complete.contains(deployment.manifest())) {
        try {
          copy(deployment.name(), deployment.manifest(), state);
          complete.add(deployment.manifest());
        } catch (DiagnosticException | IOException failure) {
          // The others' can be had for all that.
          troubles.add(deployment.name() + ": " + failure.getMessage());
        }
      }
    }
    disconnect();
    if (!troubles.isEmpty()) {
      throw new IOException(String.join("; ", troubles));
    }
    if (System.nanoTime() - cleaned > CLEAN) {
      cleaned = System.nanoTime();
      clean(leads);
    }
  }

  private void copy(String name, String manifest, ClusterState state)
      throws InterruptedException, IOException {
    var digest =
        Digest.parse(manifest)
            .orElseThrow(() -> new IOException("'" + manifest + "' is no digest"));
    if (blobs.has(digest) && missing(read(digest)).isEmpty()) {
      return;
    }
    var sources = sources(state);
    if (!blobs.has(digest)) {
      long size = fetcher.size(digest, sources, Manifest.MAX_BYTES);
      fetch(List.of(new Descriptor("manifest", MediaTypes.MANIFEST, digest, size)), sources);
    }
    var missing = missing(read(digest));
    fetch(missing, sources);
    LOG.info(
        "deployment {}: {} blobs copied, {} KiB",
        name,
        missing.size(),
        missing.stream().mapToLong(Descriptor::size).sum() >> 10);
  }

  private Manifest read(Digest digest) throws IOException {
    return Manifest.parse(blobs.read(digest, Manifest.MAX_BYTES));
  }

  /** The small ones first: they are what planning needs. */
  private List<Descriptor> missing(Manifest manifest) {
    return manifest.blobs().stream()
        .filter(blob -> !blobs.has(blob.digest()))
        .sorted(java.util.Comparator.comparingLong(Descriptor::size))
        .toList();
  }

  private void fetch(List<Descriptor> wanted, List<BlobSource> sources)
      throws InterruptedException {
    fetcher.fetch(
        wanted,
        () -> sources,
        new BlobFetcher.Progress() {
          @Override
          public void bytes(long here, long total) {}

          @Override
          public void trouble(String what) {
            LOG.debug("copying: {}", what);
          }
        });
  }

  private List<BlobSource> sources(ClusterState state) {
    var addresses = new ArrayList<String>();
    var leading = leader.get();
    if (!leading.isEmpty()) {
      addresses.add(leading);
    }
    for (var peer : state.peers().values()) {
      if (peer.state() != PeerState.LOST) {
        addresses.add(peer.address());
      }
    }
    return addresses.stream()
        .map(each -> new BlobSource(each, channel(Address.parse(each))))
        .toList();
  }

  private ManagedChannel channel(Address address) {
    return channels.computeIfAbsent(address, transport::channel);
  }

  private void disconnect() {
    channels.values().forEach(ManagedChannel::shutdownNow);
    channels.clear();
  }

  /** Deletes what has been here for long and is not deployed, as things are now. */
  private void clean(boolean leads) throws IOException {
    long freed =
        leads
            ? deployments.dropUnused(PUT)
            : blobs.deleteOthers(models.blobs(Ledger.read(store).manifests()), UNUSED);
    if (freed > 0) {
      LOG.info("deleted {} MiB of blobs that no deployment uses", freed >> 20);
    }
  }
}
