package org.fusionc.testsuite.cluster;

import io.grpc.Server;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.runtime.cluster.Holder;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.stage.Segment;
import org.fusionc.runtime.stage.StageHost;
import org.fusionc.runtime.stage.StageServer;

/** A stage server behind a proxy. */
final class Peer implements AutoCloseable {
  private final String name;
  private final StageHost host;
  private final Server server;
  private final Proxy proxy;
  private final List<Integer> stages = new ArrayList<>();
  private volatile boolean ready = true;

  Peer(String name, List<Segment> segments) {
    this.name = name;
    var transport = Transport.plain();
    host = new StageHost(transport, StageHost.Options.defaults());
    segments.forEach(host::add);
    segments.forEach(segment -> stages.add(segment.stage()));
    try {
      server =
          transport
              .server(new Address("127.0.0.1", 0))
              .addService(new StageServer(host))
              .build()
              .start();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    proxy = new Proxy(new Address("127.0.0.1", server.getPort()));
  }

  String name() {
    return name;
  }

  Holder holder() {
    return new Holder(name, proxy.address());
  }

  List<Integer> stages() {
    return stages;
  }

  Proxy proxy() {
    return proxy;
  }

  boolean isReady() {
    return ready;
  }

  void ready(boolean now) {
    ready = now;
  }

  void drain() {
    host.drain();
  }

  /** As by {@code kill -9}: all that it knew is gone. */
  void kill() {
    proxy.kill();
    server.shutdownNow();
    host.close();
  }

  @Override
  public void close() {
    proxy.close();
    server.shutdownNow();
    host.close();
  }
}
