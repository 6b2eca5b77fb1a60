package org.fusionc.runtime.serve;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps an eye on the connections: a client must send a whole request within a time, however it
 * drips, and take what it is sent within a time; and one that has gone is noticed while its request
 * is being worked on.
 */
final class Connections implements ServerConnectionSelector, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Connections.class);

  /** What a connection is doing. */
  private enum State {
    READING,
    WORKING,
    WRITING
  }

  /** One connection. */
  final class Tracked implements ServerConnection {
    private final ConnectionContext context;
    private final ReadAhead bytes;
    private final ServerConnection http;
    private volatile State state = State.READING;
    private volatile long since = System.nanoTime();

    Tracked(ConnectionContext context) {
      this.context = context;
      this.bytes = new ReadAhead(context.dataReader());
      this.http = http1.connection(new WatchedContext(context, bytes));
    }

    private void enter(State next) {
      since = System.nanoTime();
      state = next;
    }

    /** The request has been read; from now on {@link #isGone} tells. */
    void working() {
      bytes.start();
      enter(State.WORKING);
    }

    /** Something is being sent; {@link #working} or {@link #done} follows. */
    void writing() {
      enter(State.WRITING);
    }

    void written() {
      enter(State.WORKING);
    }

    /** The answer has been sent; the next request may come. */
    void done() {
      enter(State.READING);
    }

    /** Whether the client has closed the connection. */
    boolean isGone() {
      return bytes.isGone();
    }

    private void closeIfLate(long now) {
      var doing = state;
      var bound = doing == State.READING ? readLimit : writeLimit;
      if (doing != State.WORKING && now - since > bound.toNanos()) {
        LOG.info(
            "closing the connection of {}: {} for more than {} s",
            context.remotePeer().host(),
            doing == State.READING ? "no whole request" : "it does not read its answer",
            bound.toSeconds());
        http.close(true);
      }
    }

    @Override
    public void handle(Limit limit) throws InterruptedException {
      open.put(context.childSocketId(), this);
      try {
        http.handle(limit);
      } finally {
        open.remove(context.childSocketId());
      }
    }

    @Override
    public Duration idleTime() {
      return Duration.ZERO;
    }

    @Override
    public void close(boolean interrupt) {
      http.close(interrupt);
    }
  }

  private final Http1ConnectionSelector http1 =
      Http1ConnectionSelector.builder()
          .config(Http1Config.builder().maxHeadersSize(16 * 1024).maxPrologueLength(4096).build())
          .build();
  private final Map<String, Tracked> open = new ConcurrentHashMap<>();
  private final Duration readLimit;
  private final Duration writeLimit;
  private final Thread watch;

  /**
   * Starts watching.
   *
   * @param readLimit within which a request must have come, from the connection's beginning or the
   *     last answer's end
   * @param writeLimit within which a client must take each piece of an answer
   */
  Connections(Duration readLimit, Duration writeLimit) {
    this.readLimit = readLimit;
    this.writeLimit = writeLimit;
    this.watch = Thread.ofVirtual().name("connections").start(this::watch);
  }

  private void watch() {
    long pause = Math.clamp(Math.min(readLimit.toMillis(), writeLimit.toMillis()) / 4, 50, 1000);
    while (true) {
      try {
        Thread.sleep(pause);
      } catch (InterruptedException closed) {
        return;
      }
      long now = System.nanoTime();
      open.values().forEach(connection -> connection.closeIfLate(now));
    }
  }

  /** The connection of a request. */
  Tracked of(String socketId) {
    var tracked = open.get(socketId);
    if (tracked == null) {
      throw new IllegalStateException("no connection " + socketId);
    }
    return tracked;
  }

  int count() {
    return open.size();
  }

  @Override
  public int bytesToIdentifyConnection() {
    // So that a connection counts from its beginning, even if it sends nothing.
    return 0;
  }

  @Override
  public Support supports(BufferData data) {
    return Support.SUPPORTED;
  }

  @Override
  public Set<String> supportedApplicationProtocols() {
    return http1.supportedApplicationProtocols();
  }

  @Override
  public ServerConnection connection(ConnectionContext context) {
    return new Tracked(context);
  }

  @Override
  public void close() {
    watch.interrupt();
  }
}
