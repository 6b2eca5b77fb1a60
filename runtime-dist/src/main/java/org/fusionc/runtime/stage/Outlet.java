package org.fusionc.runtime.stage;

import com.google.protobuf.MessageLite;
import io.grpc.stub.CallStreamObserver;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Messages on their way out of a stream. Whoever adds one hands it to the connection itself if
 * nothing is before it and the other side takes it; else a thread of the stream's own sends it when
 * that is so, and computing goes on meanwhile. Waking a thread takes longer than handing a token's
 * rows over. It never blocks those who add messages; they ask {@link #isFull} before they make
 * more.
 */
final class Outlet<M extends MessageLite> {
  private record Item<M>(Iterator<? extends M> messages, long bytes) {}

  private final int maxMessages;
  private final long maxBytes;
  private final Runnable drained;
  private final Consumer<Throwable> unmade;
  private final Deque<Item<M>> queue = new ArrayDeque<>();
  private final Object sending = new Object();
  private long bytes;
  private boolean closed;
  private @Nullable CallStreamObserver<? super M> call;

  /** Somebody is handing a message over: the others come after it. */
  private boolean handing;

  /**
   * @param maxMessages and
   * @param maxBytes from which on it is full
   * @param drained told when it is full no more
   * @param unmade told what a message failed with that was to be made; it is closed then
   */
  Outlet(int maxMessages, long maxBytes, Runnable drained, Consumer<Throwable> unmade) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
    this.drained = drained;
    this.unmade = unmade;
  }

  /**
   * Begins to send.
   *
   * @param stream whose ready handler calls {@link #ready}
   */
  void start(CallStreamObserver<? super M> stream, String name) {
    synchronized (this) {
      call = stream;
    }
    Thread.ofVirtual().name(name).start(() -> send(stream));
  }

  void add(M message) {
    add(Collections.singleton(message).iterator(), message.getSerializedSize());
  }

  /**
   * Adds one message, which is made when its turn comes.
   *
   * @param size in bytes that it holds until then
   */
  void add(Iterator<? extends M> message, long size) {
    CallStreamObserver<? super M> stream;
    synchronized (this) {
      stream = call;
      if (stream == null || closed || handing || !queue.isEmpty() || !stream.isReady()) {
        addAll(message, size);
        return;
      }
      handing = true;
    }
    boolean sent = false;
    try {
      var made = make(message);
      if (made != null) {
        hand(made, stream);
        sent = true;
      }
    } catch (RuntimeException ended) {
      // The stream has ended; whoever listens to it is told so.
      close();
    } finally {
      handed();
    }
    if (!sent) {
      drained.run();
    }
  }

  /** The next message, which takes its time; null if there is none, or it cannot be made. */
  private @Nullable M make(Iterator<? extends M> messages) {
    try {
      return messages.hasNext() ? messages.next() : null;
    } catch (RuntimeException | Error defect) {
      close();
      unmade.accept(defect);
      return null;
    }
  }

  private void hand(M message, CallStreamObserver<? super M> stream) {
    synchronized (sending) {
      stream.onNext(message);
    }
  }

  private synchronized void handed() {
    handing = false;
    if (!queue.isEmpty()) {
      notifyAll();
    }
  }

  /**
   * Adds messages that are made when their turn comes.
   *
   * @param size in bytes that they hold until then
   */
  synchronized void addAll(Iterator<? extends M> messages, long size) {
    if (!closed) {
      queue.add(new Item<>(messages, size));
      bytes += size;
      notifyAll();
    }
  }

  /** Whether whoever makes messages should wait. */
  synchronized boolean isFull() {
    return !closed && (queue.size() >= maxMessages || bytes >= maxBytes);
  }

  /** The other side may take more. */
  synchronized void ready() {
    notifyAll();
  }

  /** Drops what has not been sent. */
  synchronized void close() {
    closed = true;
    queue.clear();
    bytes = 0;
    notifyAll();
  }

  /** Does something with the stream while no message is being sent. */
  void exclusively(Runnable action) {
    synchronized (sending) {
      action.run();
    }
  }

  private void send(CallStreamObserver<? super M> stream) {
    try {
      while (true) {
        var item = await(stream);
        if (item == null) {
          return;
        }
        // Others may add meanwhile; what they add comes after this.
        var message = make(item.messages);
        if (made(item)) {
          drained.run();
        }
        if (message != null) {
          hand(message, stream);
        }
        handed();
      }
    } catch (InterruptedException | RuntimeException ended) {
      // The stream has ended; whoever listens to it is told so.
      close();
    }
    drained.run();
  }

  /** Waits for a message to make and for the other side to take it; null when closed. */
  private synchronized @Nullable Item<M> await(CallStreamObserver<? super M> stream)
      throws InterruptedException {
    while (!closed && (handing || queue.isEmpty() || !stream.isReady())) {
      wait();
    }
    if (closed) {
      return null;
    }
    handing = true;
    return queue.getFirst();
  }

  /** The item's next message is there: whether there is room again that was not before. */
  private synchronized boolean made(Item<M> item) {
    boolean wasFull = isFull();
    if (!closed && !item.messages.hasNext()) {
      queue.removeFirst();
      bytes -= item.bytes;
    }
    return wasFull && !isFull();
  }
}
