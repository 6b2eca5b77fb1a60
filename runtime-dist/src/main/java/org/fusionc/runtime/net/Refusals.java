package org.fusionc.runtime.net;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
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

  /** Of one source and kind: when it was last said, and how many were not said since. */
  private static final class Source {
    private long said;
    private long unsaid;

    Source(long said) {
      this.said = said;
    }
  }

  private final Map<String, Source> sources =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Source> eldest) {
          return size() > MAX_SOURCES;
        }
      };

  private long windowStart = System.nanoTime();
  private int linesInWindow;
  private long unsaid;

  /**
   * Logs one.
   *
   * @param kind lines of one kind from one host are written once a second
   * @param reason why; may quote what the other side sent
   */
  void refuse(@Nullable SocketAddress remote, String kind, String reason) {
    long more = count(host(remote) + " " + kind);
    if (more < 0) {
      return;
    }
    String line = printable(reason);
    if (more == 0) {
      LOG.warn("refused {}: {}", remote, line);
    } else {
      LOG.warn("refused {}: {} ({} more since the last such line)", remote, line, more);
    }
  }

  /** How many went unsaid before this one; -1 if this one is to go unsaid, too. */
  private synchronized long count(String key) {
    long now = System.nanoTime();
    if (now - windowStart > INTERVAL) {
      windowStart = now;
      linesInWindow = 0;
    }
    var source = sources.get(key);
    if (source != null && now - source.said < INTERVAL) {
      source.unsaid++;
      return -1;
    }
    if (linesInWindow >= LINES_PER_INTERVAL) {
      unsaid++;
      return -1;
    }
    linesInWindow++;
    long more = unsaid + (source == null ? 0 : source.unsaid);
    unsaid = 0;
    sources.put(key, new Source(now));
    return more;
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
