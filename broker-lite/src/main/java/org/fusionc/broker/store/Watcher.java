package org.fusionc.broker.store;

/** Hears of changes, one after the other, in the order of their revisions, each once. */
public interface Watcher {
  void changed(Event event);

  /** No more events come, because…; to go on, read anew and watch again. */
  default void ended(String reason) {}
}
