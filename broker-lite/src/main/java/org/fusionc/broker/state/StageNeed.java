package org.fusionc.broker.state;

import org.jspecify.annotations.Nullable;

/**
 * What a stage takes of the peer that holds it, as the plan says.
 *
 * @param kind of device: on others its rows might have other bits, and so a session that moves
 *     other tokens; null if an older broker has left it open
 * @param weights bytes
 * @param kv bytes
 * @param activations bytes
 * @param recovery seconds that it is expected to take to go on when its peer is lost
 */
public record StageNeed(
    @Nullable String kind, long weights, long kv, long activations, double recovery) {
  /** Whether a peer's device gives the bits that the stage's first one gives. */
  public boolean fits(Peer peer) {
    return kind == null || kind.equals(peer.kind());
  }

  /** Bytes that a holder needs, serving or standing by: a standby must be able to take over. */
  public long bytes() {
    return weights + kv + activations;
  }
}
