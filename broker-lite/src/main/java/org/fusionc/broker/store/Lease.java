package org.fusionc.broker.store;

/** Keys put with a lease vanish when it is not kept alive for its time. */
public interface Lease extends AutoCloseable {
  long id();

  /** Begins its time anew; false if it has run out already. */
  boolean keepAlive();

  /** Ends it now; its keys vanish. */
  @Override
  void close();
}
