package org.fusionc.broker.state;

/**
 * What a peer says of a segment that it holds or is getting.
 *
 * @param failure why it cannot be had; empty if it can
 * @param bytes held
 * @param runs that use it now
 */
public record Held(SegmentKey key, boolean ready, String failure, long bytes, int runs) {
  public boolean failed() {
    return !failure.isEmpty();
  }
}
