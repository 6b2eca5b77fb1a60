package org.fusionc.runtime.cluster;

import java.util.Set;

/** How far a run's route is. */
sealed interface Phase {
  /**
   * Some stage has no peer, or its neighbours do not reach each other.
   *
   * @param until when to try again, on the nano clock
   */
  record Waiting(long until) implements Phase {}

  /** Every stage has a peer; not all have said that the epoch has begun. */
  record Connecting(long since) implements Phase {}

  /**
   * Sessions are replayed.
   *
   * @param senders the stages that have not said that all is on its way
   */
  record Replaying(Set<Slot> senders) implements Phase {}

  /** Frames are sent as they are submitted. */
  record Live(long since) implements Phase {}

  /** The run has ended. */
  record Closed() implements Phase {}
}
