package org.fusionc.testsuite.hostile;

import io.grpc.ManagedChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.ExtendWith;

/** Attacks by calls that gRPC makes, against the victim that all share. */
@ExtendWith(SharedVictim.class)
abstract class CallAttacks extends Attacks {
  /** Of the call under way; ended after each test. */
  ManagedChannel channel;

  @Override
  final VictimProcess victim() {
    return SharedVictim.victim();
  }

  @AfterEach
  final void endCall() {
    if (channel != null) {
      channel.shutdownNow();
    }
  }
}
