package org.fusionc.broker.state;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How fast a peer is.
 *
 * @param flops by dtype, per second
 * @param bandwidth of its memory, bytes per second
 */
public record PeerSpeed(SortedMap<String, Double> flops, double bandwidth) {
  /** What is assumed of a peer that has not been measured: one core of a laptop. */
  public static final PeerSpeed ASSUMED = new PeerSpeed(new TreeMap<>(Map.of("f32", 30e9)), 10e9);

  /** How much a new measurement counts against those before it. */
  private static final double WEIGHT = 0.3;

  public PeerSpeed {
    flops = Collections.unmodifiableSortedMap(new TreeMap<>(flops));
  }

  /** This one, moved towards a new measurement. */
  public PeerSpeed towards(PeerSpeed measured) {
    var mixed = new TreeMap<>(flops);
    measured.flops.forEach((dtype, value) -> mixed.merge(dtype, value, PeerSpeed::mix));
    return new PeerSpeed(mixed, mix(bandwidth, measured.bandwidth));
  }

  /** The exponentially weighted mean of old measurements and a new one. */
  static double mix(double before, double now) {
    return before + WEIGHT * (now - before);
  }
}
