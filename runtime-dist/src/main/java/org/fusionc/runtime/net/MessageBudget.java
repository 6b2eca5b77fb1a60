package org.fusionc.runtime.net;

import java.net.SocketAddress;
import java.util.LinkedHashSet;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a server's messages that are coming in, or are being handled. When it is used up,
 * the connection of the message that has been coming in the longest gives way: whoever sends parts
 * of many messages and never ends them shuts nobody out.
 */
final class MessageBudget {
  private final Connections connections;
  private final long limit;
  private final LinkedHashSet<Call> coming = new LinkedHashSet<>();
  private long used;

  MessageBudget(Connections connections) {
    this.connections = connections;
    limit = connections.limits().messages();
  }

  /** What one call has. */
  final class Call {
    private volatile @Nullable SocketAddress remote;
    private long part;
    private long whole;
    private boolean ended;

    void from(@Nullable SocketAddress address) {
      remote = address;
    }

    /** More of a message has come. */
    void came(long bytes) {
      Call oldest = null;
      synchronized (MessageBudget.this) {
        if (ended) {
          return;
        }
        part += bytes;
        used += bytes;
        coming.add(this);
        if (used > limit) {
          oldest = coming.getFirst();
          oldest.free();
        }
      }
      if (oldest != null) {
        connections.close(
            oldest.remote,
            "messages",
            "messages of more than %d bytes are coming in; this is the oldest".formatted(limit));
      }
    }

    /** The message is whole, and goes to the service. */
    void complete() {
      synchronized (MessageBudget.this) {
        whole += part;
        part = 0;
        coming.remove(this);
      }
    }

    /** The service is done with what has come. */
    void handled() {
      synchronized (MessageBudget.this) {
        used -= whole;
        whole = 0;
      }
    }

    void end() {
      synchronized (MessageBudget.this) {
        free();
      }
    }

    private void free() {
      ended = true;
      used -= part + whole;
      part = 0;
      whole = 0;
      coming.remove(this);
    }
  }
}
