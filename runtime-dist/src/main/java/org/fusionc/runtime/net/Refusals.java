package org.fusionc.runtime.net;

import io.netty.util.concurrent.EventExecutor;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log of what was refused: a line with the remote address and the reason. A flood writes a few
 * lines a second, which say how many others there were.
 */
final class Refusals {
  private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);
  private static final long INTERVAL = Duration.ofSeconds(1).toNanos();
  private static final int LINES_PER_INTERVAL = 20;
  private static final int MAX_SOURCES = 1024;
  private static final int MAX_REASON = 300;

  /** Of one source and kind: when it was last said, and what was not said since. */
  private static final class Source {
    private long said;
    private long unsaid;
    private String last = "";
  }

  private final Map<String, Source> sources =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Source> eldest) {
          return size() > MAX_SOURCES;
        }
      };

  private final EventExecutor timer;
  private long windowStart = System.nanoTime();
  private int linesInWindow;
  private long unsaid;

  /**
   * @param timer says later what was not said at once
   */
  Refusals(EventExecutor timer) {
    this.timer = timer;
  }

  /**
   * Logs one.
   *
   * @param kind lines of one kind from one host are written once a second
   * @param reason why; may quote what the other side sent
   */
  void refuse(@Nullable SocketAddress remote, String kind, String reason) {
    String line = "refused " + remote + ": " + printable(reason);
    if (admit(host(remote) + " " + kind, line)) {
      LOG.warn("{}", line);
    }
  }

  /** Whether this one may be said now; if not, it is kept for later. */
  private synchronized boolean admit(String key, String line) {
    long now = System.nanoTime();
    if (now - windowStart > INTERVAL) {
      windowStart = now;
      linesInWindow = 0;
      if (unsaid > 0) {
        LOG.warn("refused others: {} times in the last seconds, not all shown", unsaid);
        unsaid = 0;
      }
    }
    var source = sources.get(key);
    if (source != null && now - source.said < INTERVAL) {
      source.last = line;
      if (source.unsaid++ == 0) {
        var _ = timer.schedule(() -> sayRest(source), 1, TimeUnit.SECONDS);
      }
      return false;
    }
    if (linesInWindow >= LINES_PER_INTERVAL) {
      unsaid++;
      return false;
    }
    linesInWindow++;
    var said = source == null ? new Source() : source;
    said.said = now;
    sources.put(key, said);
    return true;
  }

  private synchronized void sayRest(Source source) {
    LOG.warn("{} ({} such in the last second)", source.last, source.unsaid);
    source.unsaid = 0;
    source.said = System.nanoTime();
  }

  private static String host(@Nullable SocketAddress remote) {
    return remote instanceof InetSocketAddress address && address.getAddress() != null
        ? address.getAddress().getHostAddress()
        : String.valueOf(remote);
  }

  /** On one line, and no longer than one: nobody writes lines of their own into the log. */
  private static String printable(String text) {
    var line = new StringBuilder();
    text.codePoints()
        .limit(MAX_REASON)
        .forEach(c -> line.appendCodePoint(Character.isISOControl(c) ? '?' : c));
    return line.toString();
  }
}
