package org.fusionc.runtime.peer;

import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.runtime.blob.BlobSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.LinkMeasure;
import org.fusionc.runtime.proto.ProbeTarget;

/** Channels to other processes, and what was measured of them, one at a time. */
final class Links implements AutoCloseable {
  private static final int MOST_CHANNELS = 256;

  private final Transport transport;
  private final LinkedHashMap<Address, ManagedChannel> channels = new LinkedHashMap<>();
  private final LinkedHashMap<String, ProbeTarget> pending = new LinkedHashMap<>();
  private final Map<String, LinkMeasure> measured = new HashMap<>();
  private final Thread thread;

  Links(Transport transport) {
    this.transport = transport;
    thread = Thread.ofVirtual().name("probe").start(this::run);
  }

  synchronized ManagedChannel channel(Address address) {
    var known = channels.remove(address);
    var channel = known == null ? transport.channel(address) : known;
    channels.put(address, channel);
    if (channels.size() > MOST_CHANNELS) {
      var oldest = channels.firstEntry();
      channels.remove(oldest.getKey());
      oldest.getValue().shutdown();
    }
    return channel;
  }

  /** Peers that may have blobs, and the broker. */
  List<BlobSource> sources(List<String> peers, Address broker) {
    var sources = new ArrayList<BlobSource>();
    for (var peer : peers) {
      try {
        sources.add(new BlobSource(peer, channel(Address.parse(peer))));
      } catch (DiagnosticException malformed) {
        Peer.LOG.warn("the broker names a source of blobs: {}", malformed.getMessage());
      }
    }
    sources.add(new BlobSource(broker.toString(), channel(broker)));
    return sources;
  }

  synchronized void measure(List<ProbeTarget> targets) {
    targets.forEach(target -> pending.putLast(target.getName(), target));
    notifyAll();
  }

  /** What has been measured and not been reported. */
  synchronized List<LinkMeasure> measured() {
    return List.copyOf(measured.values());
  }

  synchronized void reported(List<LinkMeasure> links) {
    links.forEach(link -> measured.remove(link.getTo(), link));
  }

  private void run() {
    try {
      while (true) {
        var target = next();
        var measure = LinkMeasure.newBuilder().setTo(target.getName()).build();
        try {
          measure =
              LinkProbe.measure(target.getName(), channel(Address.parse(target.getAddress())));
        } catch (DiagnosticException malformed) {
          Peer.LOG.warn("the broker names a peer to measure: {}", malformed.getMessage());
        }
        Peer.LOG.debug("link to {}: {}", target.getName(), measure);
        synchronized (this) {
          measured.put(target.getName(), measure);
        }
      }
    } catch (InterruptedException over) {
      // The peer leaves.
    }
  }

  private synchronized ProbeTarget next() throws InterruptedException {
    while (pending.isEmpty()) {
      wait();
    }
    return pending.pollFirstEntry().getValue();
  }

  @Override
  public synchronized void close() {
    thread.interrupt();
    channels.values().forEach(ManagedChannel::shutdownNow);
    channels.clear();
  }
}
