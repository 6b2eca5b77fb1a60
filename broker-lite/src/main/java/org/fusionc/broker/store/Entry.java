package org.fusionc.broker.store;

import com.google.protobuf.ByteString;

/**
 * A key and its value.
 *
 * @param modified the store's revision at which it was put last
 */
public record Entry(String key, ByteString value, long modified) {}
