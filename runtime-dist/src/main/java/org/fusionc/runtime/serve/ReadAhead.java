package org.fusionc.runtime.serve;

import io.helidon.common.buffers.DataReader;
import io.helidon.webserver.CloseConnectionException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that come on a connection. While a request is being worked on, a thread of its own
 * reads ahead once: that the other end has gone is seen in reading only. What it reads, the
 * beginning of a next request, is kept for whoever reads next.
 */
final class ReadAhead implements Supplier<byte @Nullable []> {
  private final DataReader socket;
  private volatile @Nullable CompletableFuture<byte @Nullable []> ahead;

  ReadAhead(DataReader socket) {
    this.socket = socket;
  }

  /** Starts to read ahead, if nothing was read ahead before. */
  void start() {
    if (ahead == null) {
      var reading = new CompletableFuture<byte @Nullable []>();
      ahead = reading;
      Thread.ofVirtual()
          .name("read ahead")
          .start(() -> {
            try {
              reading.complete(read());
            } catch (RuntimeException | Error failure) {
              reading.completeExceptionally(failure);
            }
          });
    }
  }

  /** Whether the other end was found gone. */
  boolean isGone() {
    var reading = ahead;
    return reading != null
        && (reading.isCompletedExceptionally()
            || (reading.isDone() && reading.getNow(null) == null));
  }

  /** The next bytes; null at the end. */
  @Override
  public byte @Nullable [] get() {
    var reading = ahead;
    if (reading == null) {
      return read();
    }
    try {
      var bytes = reading.get();
      if (bytes != null) {
        ahead = null;
      }
      return bytes;
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
      throw new CloseConnectionException("closed while waiting for a request", closed);
    } catch (ExecutionException failed) {
      throw new CloseConnectionException("the connection broke", failed);
    }
  }

  private byte @Nullable [] read() {
    try {
      socket.ensureAvailable();
      return socket.readBytes(socket.available());
    } catch (DataReader.InsufficientDataAvailableException end) {
      return null;
    }
  }
}
