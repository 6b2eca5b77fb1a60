package org.fusionc.runtime.exec;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Events that are handled one at a time and in order, by whoever brings one while nobody is at it;
 * who comes meanwhile leaves his and goes. So what the handler owns needs no lock, nobody waits,
 * and no thread is woken, which would take longer than handling most events.
 */
final class Mailbox<E> {
  private final Queue<E> events = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean attended = new AtomicBoolean();
  private final Consumer<E> handler;
  private final Runnable caughtUp;

  /**
   * @param handler must not throw
   * @param caughtUp run after an event that no other has followed yet; must not throw
   */
  Mailbox(Consumer<E> handler, Runnable caughtUp) {
    this.handler = handler;
    this.caughtUp = caughtUp;
  }

  /** Brings an event. It may be handled before this returns, or by another thread. */
  void post(E event) {
    events.add(event);
    // Whoever was at it may have looked for the last time before the event came.
    while (!events.isEmpty() && attended.compareAndSet(false, true)) {
      try {
        for (var next = events.poll(); next != null; next = events.poll()) {
          handler.accept(next);
          if (events.isEmpty()) {
            caughtUp.run();
          }
        }
      } finally {
        attended.set(false);
      }
    }
  }
}
