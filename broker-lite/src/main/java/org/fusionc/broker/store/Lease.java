package org.fusionc.broker.store;

import java.util.function.BooleanSupplier;

/** Keys put with a lease vanish when it is not kept alive for its time. */
public interface Lease extends AutoCloseable {
  long id();

  /** Begins its time anew; false if it has run out already. */
  boolean keepAlive();

  /** Ends it now; its keys vanish. */
  @Override
  void close();

  /** One that a store keeps under a number. */
  static Lease of(long id, BooleanSupplier keepAlive, Runnable end) {
    return new Lease() {
      @Override
      public long id() {
        return id;
      }

      @Override
      public boolean keepAlive() {
        return keepAlive.getAsBoolean();
      }

      @Override
      public void close() {
        end.run();
      }
    };
  }
}
