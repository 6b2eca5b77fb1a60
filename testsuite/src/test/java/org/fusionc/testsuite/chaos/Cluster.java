package org.fusionc.testsuite.chaos;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.fusionc.runtime.net.Address;
import org.fusionc.testsuite.cluster.Proxy;

/** A broker and peers, each a process, with their data below one folder. */
final class Cluster implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(180);

  private final Path folder;
  private final List<String> brokerOptions;
  private Program broker;
  private String address;
  private final List<Program> others = new ArrayList<>();
  private final Map<String, Program> peers = new LinkedHashMap<>();
  private final Map<String, Integer> ports = new HashMap<>();
  private final Map<String, Proxy> proxies = new HashMap<>();

  private Cluster(Path folder, List<String> brokerOptions) {
    this.folder = folder;
    this.brokerOptions = brokerOptions;
    broker = startBroker("127.0.0.1:0", "broker");
    address = listening(broker);
  }

  private static String listening(Program broker) {
    return broker.await("broker: listening on (\\S+?),", START).group(1);
  }

  static Cluster start(Path folder, String... brokerOptions) {
    return new Cluster(folder, List.of(brokerOptions));
  }

  private Program startBroker(String listen, String name) {
    var arguments = new ArrayList<>(List.of("broker", "--listen", listen));
    arguments.addAll(List.of("--http", "127.0.0.1:0"));
    arguments.addAll(List.of("--data", folder.resolve(name).toString()));
    arguments.addAll(brokerOptions);
    return Program.start("the " + name, arguments);
  }

  /**
   * Starts a second broker, which takes over when the first one is gone; for a store that both
   * have. Its folder is its own. Peers that start from now on, and clients, know both.
   */
  Program standIn() {
    var other = startBroker("127.0.0.1:0", "other broker");
    address = address + "," + listening(other);
    others.add(other);
    return other;
  }

  /** Where the broker listens, {@code HOST:PORT}; with a comma between, where there are two. */
  String address() {
    return address;
  }

  Program broker() {
    return broker;
  }

  Path folder() {
    return folder;
  }

  /** Kills the broker, if it still runs, and starts it again at the same address. */
  void restartBroker() {
    broker.kill();
    broker = startBroker(address, "broker");
    listening(broker);
  }

  /** Starts a peer, or starts it again after its end; does not wait. */
  Program peer(String name, String... options) {
    var arguments = new ArrayList<>(List.of("peer", "--broker", address, "--name", name));
    arguments.addAll(List.of("--threads", "1"));
    if (!List.of(options).contains("--memory")) {
      arguments.addAll(List.of("--memory", "400MiB"));
    }
    arguments.addAll(List.of("--data", folder.resolve(name).toString()));
    arguments.addAll(List.of(options));
    var program = Program.start("peer " + name, arguments);
    var before = peers.put(name, program);
    if (before != null) {
      before.close();
    }
    return program;
  }

  /**
   * Starts a peer whose connections can be cut: others reach it through a proxy, at the same
   * address whenever it is started again.
   */
  Program peerBehindProxy(String name) {
    int port = ports.computeIfAbsent(name, n -> FreePort.choose());
    var proxy = proxies.computeIfAbsent(name, n -> new Proxy(new Address("127.0.0.1", port)));
    return peer(name, "--listen", "127.0.0.1:" + port, "--advertise", proxy.address().toString());
  }

  Proxy proxy(String name) {
    return Objects.requireNonNull(proxies.get(name));
  }

  Program runningPeer(String name) {
    return peers.get(name);
  }

  Map<String, Program> peers() {
    return peers;
  }

  static void awaitJoined(Program peer) {
    peer.await("listening on \\S+, joined", START);
  }

  @Override
  public void close() {
    peers.values().forEach(Program::close);
    proxies.values().forEach(Proxy::close);
    others.forEach(Program::close);
    broker.close();
  }
}
