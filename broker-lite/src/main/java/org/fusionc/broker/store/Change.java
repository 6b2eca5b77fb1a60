package org.fusionc.broker.store;

import com.google.protobuf.ByteString;
import java.util.List;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/** A part of a transaction; each changes another key. */
public sealed interface Change {
  String key();

  /** Bytes that it takes of what a transaction may have. */
  default int bytes() {
    return key().length() + (this instanceof Put put ? put.value().size() : 0);
  }

  /**
   * Refuses what no store takes.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if there are too many, or one is too
   *     large
   */
  static void check(List<Change> changes) {
    for (var change : changes) {
      boolean large = change instanceof Put put && put.value().size() > Store.MAX_VALUE;
      if (large || change.key().length() > Store.MAX_KEY || change.key().isEmpty()) {
        throw Diagnostic.failed(
                Location.named(change.key()),
                "a key has 1 to %d characters, a value at most %d bytes"
                    .formatted(Store.MAX_KEY, Store.MAX_VALUE),
                "")
            .exception();
      }
    }
    long bytes = changes.stream().mapToLong(Change::bytes).sum();
    if (changes.size() > Store.MAX_CHANGES || bytes > Store.MAX_BYTES) {
      throw Diagnostic.failed(
              Location.named(changes.getFirst().key()),
              "a transaction has at most %d changes and %d bytes, but this has %d and %d"
                  .formatted(Store.MAX_CHANGES, Store.MAX_BYTES, changes.size(), bytes),
              "")
          .exception();
    }
  }

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
