package org.fusionc.broker.store;

import com.google.protobuf.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened to a key.
 *
 * @param value null if it was deleted
 * @param revision the store's, at which it happened
 */
public record Event(String key, @Nullable ByteString value, long revision) {}
