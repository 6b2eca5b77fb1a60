package org.fusionc.broker.state;

import java.util.Locale;

/** Whether a peer is here. */
public enum PeerState {
  ALIVE,
  /** It is about to leave: it gets nothing new, and what it has moves elsewhere. */
  DRAINING,
  /** Its lease has run out. */
  LOST;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
