package org.fusionc.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A TCP proxy on loopback that spoils connections: cuts them after a number of bytes, holds bytes
 * back, or slows them down.
 */
public final class FaultyProxy implements AutoCloseable {
  private final InetSocketAddress target;
  private final ServerSocket listener;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicLong budget = new AtomicLong(Long.MAX_VALUE);
  private final AtomicLong answered = new AtomicLong();
  private volatile long bytesPerSecond;
  private volatile boolean held;
  private volatile boolean refusing;

  public FaultyProxy(int targetPort) throws IOException {
    target = new InetSocketAddress(InetAddress.getLoopbackAddress(), targetPort);
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Cuts all connections once so many more bytes have come from the server; once only. */
  public void cutAfter(long bytes) {
    budget.set(bytes);
  }

  /** Bytes that have come from the server. */
  public long answered() {
    return answered.get();
  }

  /** 0 for as fast as it goes. */
  public void limit(long rate) {
    bytesPerSecond = rate;
  }

  /** Passes no bytes on while {@code hold}; connections stay open. */
  public void hold(boolean hold) {
    held = hold;
  }

  /** Cuts all connections, and takes none until it is called with false. */
  public void refuse(boolean refuse) {
    refusing = refuse;
    if (refuse) {
      cut();
    }
  }

  /** Cuts all connections now. */
  public void cut() {
    sockets.forEach(FaultyProxy::reset);
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        var client = listener.accept();
        if (refusing) {
          reset(client);
          continue;
        }
        var server = new Socket();
        server.connect(target);
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        sockets.add(client);
        sockets.add(server);
        Thread.ofVirtual().start(() -> copy(client, server, false));
        Thread.ofVirtual().start(() -> copy(server, client, true));
      } catch (IOException closed) {
        // The target is away, or the proxy is being closed.
      }
    }
  }

  private void copy(Socket from, Socket to, boolean answers) {
    var buffer = new byte[16 << 10];
    try (from;
        to) {
      while (true) {
        int read = from.getInputStream().read(buffer);
        if (read < 0) {
          return;
        }
        while (held) {
          Thread.sleep(10);
        }
        int pass = answers ? (int) Math.min(read, takeBudget(read)) : read;
        to.getOutputStream().write(buffer, 0, pass);
        if (answers) {
          answered.addAndGet(pass);
        }
        if (pass < read) {
          budget.set(Long.MAX_VALUE);
          cut();
          return;
        }
        if (bytesPerSecond > 0) {
          Thread.sleep(1000L * read / bytesPerSecond);
        }
      }
    } catch (IOException | InterruptedException over) {
      // The connection has ended.
    } finally {
      sockets.remove(from);
      sockets.remove(to);
    }
  }

  private long takeBudget(int wanted) {
    long before = budget.getAndUpdate(b -> b == Long.MAX_VALUE ? b : Math.max(0, b - wanted));
    return Math.min(before, wanted);
  }

  private static void reset(Socket socket) {
    try (socket) {
      socket.setSoLinger(true, 0);
    } catch (IOException alreadyClosed) {
      // It is gone.
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    cut();
  }
}
