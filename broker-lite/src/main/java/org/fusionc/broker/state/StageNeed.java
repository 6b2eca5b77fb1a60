package org.fusionc.broker.state;

/**
 * What a stage takes of the peer that holds it, as the plan says.
 *
 * @param weights bytes
 * @param kv bytes
 * @param activations bytes
 * @param recovery seconds that it is expected to take to go on when its peer is lost
 */
public record StageNeed(long weights, long kv, long activations, double recovery) {
  /** Bytes that a holder needs, serving or standing by: a standby must be able to take over. */
  public long bytes() {
    return weights + kv + activations;
  }
}
