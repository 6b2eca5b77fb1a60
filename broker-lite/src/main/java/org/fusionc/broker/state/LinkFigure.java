package org.fusionc.broker.state;

/**
 * What was measured of a link in one direction.
 *
 * @param latency one way, seconds
 * @param bandwidth bytes per second; 0 if the other end could not be reached
 */
public record LinkFigure(double latency, double bandwidth) {
  /** What is assumed until it is measured: a home's wired network. */
  public static final LinkFigure ASSUMED = new LinkFigure(0.5e-3, 110e6);

  public boolean reachable() {
    return bandwidth > 0;
  }

  /** This one, moved towards a new measurement; what was out of reach tells nothing of speed. */
  public LinkFigure towards(LinkFigure measured) {
    if (!reachable() || !measured.reachable()) {
      return measured;
    }
    return new LinkFigure(
        PeerSpeed.mix(latency, measured.latency), PeerSpeed.mix(bandwidth, measured.bandwidth));
  }
}
