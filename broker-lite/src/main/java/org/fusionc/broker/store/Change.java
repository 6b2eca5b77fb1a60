package org.fusionc.broker.store;

import com.google.protobuf.ByteString;

/** A part of a transaction; each changes another key. */
public sealed interface Change {
  String key();

  /**
   * Puts a value.
   *
   * @param lease with which the key vanishes; 0 for none
   */
  record Put(String key, ByteString value, long lease) implements Change {
    public Put(String key, ByteString value) {
      this(key, value, 0);
    }
  }

  /** Deletes a key, if it is there. */
  record Delete(String key) implements Change {}
}
