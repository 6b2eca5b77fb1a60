package org.fusionc.broker;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** How refusals reach those who called. */
final class Failures {
  /** The address of the broker that leads. */
  static final Metadata.Key<String> LEADER =
      Metadata.Key.of("fusionc-leader", Metadata.ASCII_STRING_MARSHALLER);

  private Failures() {}

  static StatusRuntimeException notLeading(String leader) {
    var trailers = new Metadata();
    if (!leader.isEmpty()) {
      trailers.put(LEADER, leader);
    }
    return Status.UNAVAILABLE
        .withDescription(
            leader.isEmpty()
                ? "no broker leads at the moment"
                : "the broker at " + leader + " leads")
        .asRuntimeException(trailers);
  }
}
