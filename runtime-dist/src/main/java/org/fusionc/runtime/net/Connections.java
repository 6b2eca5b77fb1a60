package org.fusionc.runtime.net;

import io.netty.channel.Channel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one server. A connection is unproven until a call on it was allowed; those
 * that never get there hold little, end soon, and cannot crowd out the others.
 */
final class Connections {
  private final Limits limits;
  private final Refusals refusals;

  /** By remote address and port. */
  private final Map<SocketAddress, Channel> open = new HashMap<>();

  private final LinkedHashSet<SocketAddress> unproven = new LinkedHashSet<>();
  private final Map<InetAddress, Host> hosts = new HashMap<>();

  /** What one host has. */
  private static final class Host {
    private int connections;
    private final LinkedHashSet<SocketAddress> unproven = new LinkedHashSet<>();
  }

  Connections(Limits limits, Refusals refusals) {
    this.limits = limits;
    this.refusals = refusals;
  }

  Limits limits() {
    return limits;
  }

  Refusals refusals() {
    return refusals;
  }

  /** Takes a new connection in; false if it must be closed, which has been logged. */
  boolean add(Channel channel) {
    if (!(channel.remoteAddress() instanceof InetSocketAddress remote)) {
      return false; // gone already
    }
    Channel evicted = null;
    String refusal = null;
    synchronized (this) {
      var host = hosts.computeIfAbsent(remote.getAddress(), a -> new Host());
      if (open.size() >= limits.connections()) {
        refusal = "there are " + open.size() + " connections already";
      } else if (host.connections >= limits.connectionsPerHost()) {
        refusal = "this host has " + host.connections + " connections already";
      } else {
        host.connections++;
        open.put(remote, channel);
        unproven.add(remote);
        host.unproven.add(remote);
        if (host.unproven.size() > limits.unprovenPerHost()) {
          evicted = open.get(host.unproven.getFirst());
        } else if (unproven.size() > limits.unproven()) {
          evicted = open.get(unproven.getFirst());
        }
      }
      if (host.connections == 0) {
        hosts.remove(remote.getAddress());
      }
    }
    if (refusal != null) {
      refusals.refuse(remote, "connections", refusal);
      return false;
    }
    if (evicted != null) {
      close(evicted, "unproven", "too many connections that have made no call; this is the oldest");
    }
    channel.closeFuture().addListener(closed -> remove(remote));
    var _ =
        channel
            .eventLoop()
            .schedule(
                () -> expire(remote, channel),
                limits.handshake().toMillis(),
                TimeUnit.MILLISECONDS);
    return true;
  }

  /** A call on this connection was allowed. */
  synchronized void prove(@Nullable SocketAddress remote) {
    if (unproven.remove(remote) && remote instanceof InetSocketAddress address) {
      var host = hosts.get(address.getAddress());
      if (host != null) {
        host.unproven.remove(remote);
      }
    }
  }

  private void expire(SocketAddress remote, Channel channel) {
    boolean late;
    synchronized (this) {
      late = unproven.contains(remote);
    }
    if (late && channel.isOpen()) {
      close(
          channel,
          "slow",
          "no call was allowed within " + limits.handshake().toSeconds() + " s of connecting");
    }
  }

  /** Closes a connection, if it is still there. */
  void close(@Nullable SocketAddress remote, String kind, String reason) {
    Channel channel;
    synchronized (this) {
      channel = open.get(remote);
    }
    if (channel != null) {
      close(channel, kind, reason);
    }
  }

  private void close(Channel channel, String kind, String reason) {
    refusals.refuse(channel.remoteAddress(), kind, reason);
    var _ = channel.close();
  }

  private synchronized void remove(InetSocketAddress remote) {
    if (open.remove(remote) == null) {
      return;
    }
    prove(remote);
    var host = hosts.get(remote.getAddress());
    if (host != null && --host.connections == 0) {
      hosts.remove(remote.getAddress());
    }
  }
}
