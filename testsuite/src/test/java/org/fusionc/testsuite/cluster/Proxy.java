package org.fusionc.testsuite.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.fusionc.runtime.net.Address;

/** Stands between a server and those who connect to it, and fails on demand. */
public final class Proxy implements AutoCloseable {
  private final Address target;
  private final Address address;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicLong passed = new AtomicLong();
  private volatile ServerSocket listening;
  private volatile boolean frozen;
  private volatile boolean closed;
  private volatile long delayMillis;
  private volatile long bytesPerSecond = Long.MAX_VALUE;
  private volatile long killAt = Long.MAX_VALUE;

  public Proxy(Address target) {
    this.target = target;
    listening = listen(0);
    address = new Address("127.0.0.1", listening.getLocalPort());
    serve(listening);
  }

  private static ServerSocket listen(int port) {
    try {
      var socket = new ServerSocket();
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return socket;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Where to connect. */
  public Address address() {
    return address;
  }

  private void serve(ServerSocket listener) {
    Thread.ofVirtual()
        .start(() -> {
          while (!listener.isClosed()) {
            try {
              connect(listener.accept());
            } catch (IOException ended) {
              return;
            }
          }
        });
  }

  private void connect(Socket client) {
    sockets.add(client);
    Thread.ofVirtual()
        .start(() -> {
          try {
            awaitThaw();
            var server = new Socket(target.host(), target.port());
            sockets.add(server);
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            Thread.ofVirtual().start(() -> pump(client, server));
            pump(server, client);
          } catch (IOException refused) {
            drop(client);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  private void pump(Socket from, Socket to) {
    var buffer = new byte[8192];
    try {
      while (true) {
        int count = from.getInputStream().read(buffer);
        if (count < 0) {
          break;
        }
        awaitThaw();
        if (delayMillis > 0) {
          Thread.sleep(delayMillis);
        }
        if (bytesPerSecond < Long.MAX_VALUE) {
          Thread.sleep(1000L * count / bytesPerSecond);
        }
        if (passed.addAndGet(count) >= killAt) {
          kill();
          return;
        }
        to.getOutputStream().write(buffer, 0, count);
      }
    } catch (IOException ended) {
      // Either side has gone.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    drop(from);
    drop(to);
  }

  private void awaitThaw() throws InterruptedException {
    while (frozen && !closed) {
      Thread.sleep(5);
    }
  }

  private void drop(Socket socket) {
    sockets.remove(socket);
    try {
      // At once, as when a process is killed.
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException gone) {
      // It has been closed already.
    }
  }

  /** Breaks all connections; new ones are accepted. */
  public void cut() {
    sockets.forEach(this::drop);
  }

  /** Breaks all connections and accepts no others. */
  public void kill() {
    try {
      listening.close();
    } catch (IOException ignored) {
      // It is closed then.
    }
    cut();
  }

  /** Accepts connections again. */
  public void revive() {
    killAt = Long.MAX_VALUE;
    listening = listen(address.port());
    serve(listening);
  }

  /** Nothing passes, yet no connection breaks. */
  public void freeze() {
    frozen = true;
  }

  public void thaw() {
    frozen = false;
  }

  /** What passes is late by so long. */
  public void delay(long millis) {
    delayMillis = millis;
  }

  public void throttle(long bytes) {
    bytesPerSecond = bytes;
  }

  /** Kills when so many more bytes have passed, in both directions together. */
  public void killAfter(long bytes) {
    killAt = passed.get() + bytes;
  }

  public long passed() {
    return passed.get();
  }

  @Override
  public void close() {
    closed = true;
    kill();
  }
}
