package org.fusionc.partitioner.cluster;

/**
 * What it costs to send from one device to another.
 *
 * @param bandwidth bytes/s; 0 if there is no way at all
 * @param latency seconds
 */
public record LinkSpeed(double bandwidth, double latency) {
  /** There is no link. */
  public static final LinkSpeed NONE = new LinkSpeed(0, Double.POSITIVE_INFINITY);

  /** Seconds during which {@code bytes} occupy the link; infinite if there is none. */
  public double occupancy(double bytes) {
    // Bytes that must not cross are infinitely many, even where the link is infinitely fast.
    return bandwidth == 0 || bytes == Double.POSITIVE_INFINITY
        ? Double.POSITIVE_INFINITY
        : bytes / bandwidth;
  }

  /** Seconds until {@code bytes} have arrived. */
  public double time(double bytes) {
    return latency + occupancy(bytes);
  }
}
