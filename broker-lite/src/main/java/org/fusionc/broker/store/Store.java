package org.fusionc.broker.store;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Keys in order and their values. What a call has acknowledged survives the end of this process at
 * any moment. Safe for use by several threads.
 *
 * <p>Every call throws a {@link org.fusionc.ir.diagnostic.DiagnosticException} if the store cannot
 * be reached or is damaged.
 */
public interface Store extends AutoCloseable {
  /** The longest key, in characters. */
  int MAX_KEY = 512;

  /** The largest value, in bytes. */
  int MAX_VALUE = 1 << 20;

  /** The most changes in a transaction: etcd takes no more, unless it is told to. */
  int MAX_CHANGES = 128;

  /**
   * The most bytes of keys and values in a transaction; etcd takes 1.5 MiB with all around them.
   */
  int MAX_BYTES = MAX_VALUE + (128 << 10);

  Optional<Entry> get(String key);

  /** All keys that begin so, in order. */
  List<Entry> range(String prefix);

  /**
   * Applies all changes or none. When it throws, either may be so: the answer may have been lost.
   *
   * @return whether all that was compared held, and so the changes were made
   */
  boolean transact(List<Compare> compares, List<Change> changes);

  /** Puts without comparing. */
  default void put(String key, com.google.protobuf.ByteString value) {
    transact(List.of(), List.of(new Change.Put(key, value)));
  }

  /** Deletes without comparing. */
  default void delete(String key) {
    transact(List.of(), List.of(new Change.Delete(key)));
  }

  /** Tells of all changes to keys that begin so, from now on, until it is closed. */
  Watch watch(String prefix, Watcher watcher);

  /** A watch that goes on. */
  interface Watch extends AutoCloseable {
    @Override
    void close();
  }

  /** A new lease that lasts so long without being kept alive; at least one second. */
  Lease lease(Duration time);

  @Override
  void close();
}
