package org.fusionc.broker.store;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;

/** Hands changes on to watchers, each on a thread of its own, so that none holds up the store. */
final class Watches implements AutoCloseable {
  /** Changes that may wait for a watcher; one that is that far behind must read anew. */
  private static final int WAITING = 16384;

  private final class One implements Store.Watch {
    final String prefix;
    final Watcher watcher;
    final BlockingQueue<Event> waiting = new ArrayBlockingQueue<>(WAITING);
    final Thread thread = Thread.ofVirtual().name("watch").unstarted(this::run);
    volatile boolean behind;

    One(String prefix, Watcher watcher) {
      this.prefix = prefix;
      this.watcher = watcher;
    }

    void run() {
      try {
        while (!behind || !waiting.isEmpty()) {
          watcher.changed(waiting.take());
        }
        all.remove(this);
        watcher.ended("it is " + WAITING + " changes behind");
      } catch (InterruptedException closed) {
        // Whoever closes a watch wants to hear nothing more.
      }
    }

    @Override
    public void close() {
      all.remove(this);
      thread.interrupt();
    }
  }

  private final List<One> all = new CopyOnWriteArrayList<>();

  Store.Watch add(String prefix, Watcher watcher) {
    var one = new One(prefix, watcher);
    all.add(one);
    one.thread.start();
    return one;
  }

  void tell(Event event) {
    for (var one : all) {
      boolean wanted = event.key().startsWith(one.prefix) && !one.behind;
      if (wanted && !one.waiting.offer(event)) {
        one.behind = true;
      }
    }
  }

  @Override
  public void close() {
    all.forEach(One::close);
  }
}
