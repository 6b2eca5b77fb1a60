package org.fusionc.runtime.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.ClusterStatus;
import org.fusionc.runtime.proto.StatusRequest;
import org.junit.jupiter.api.Test;

/** What refusals are at the other end of a real connection. */
class CallFailuresTest {
  /** Refuses everything in one way. */
  private static final class Refusing extends BrokerServiceGrpc.BrokerServiceImplBase {
    private final StatusRuntimeException refusal;

    Refusing(StatusRuntimeException refusal) {
      this.refusal = refusal;
    }

    @Override
    public void status(StatusRequest request, StreamObserver<ClusterStatus> replies) {
      replies.onError(refusal);
    }
  }

  private static StatusRuntimeException called(StatusRuntimeException refusal) throws Exception {
    var plain = Transport.plain();
    var server =
        plain.server(new Address("127.0.0.1", 0)).addService(new Refusing(refusal)).build().start();
    var channel = plain.channel(new Address("127.0.0.1", server.getPort()));
    try {
      return catchThrowableOfType(
          StatusRuntimeException.class,
          () ->
              BrokerServiceGrpc.newBlockingStub(channel)
                  .status(StatusRequest.getDefaultInstance()));
    } finally {
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  @Test
  void aRefusalKeepsItsKindAndWords() throws Exception {
    var broker = new Address("127.0.0.1", 7700);
    for (var kind : Failure.values()) {
      var diagnostic = new Diagnostic(kind, Location.unknown(), "it is wrong", "do better");
      var received = called(CallFailures.refusal(diagnostic.exception()));
      assertThat(CallFailures.isAnswer(received)).isTrue();
      assertThatThrownBy(
              () -> {
                throw CallFailures.diagnostic(received, broker);
              })
          .isInstanceOfSatisfying(
              DiagnosticException.class, e -> assertThat(e.failure()).isEqualTo(kind))
          .hasMessage("it is wrong; do better");
    }
  }

  @Test
  void whatAServerSaysIsToldFromNoServer() throws Exception {
    var none = Status.UNAVAILABLE.withDescription("no broker leads at the moment");
    assertThat(CallFailures.isAnswer(called(none.asRuntimeException()))).isTrue();
    var channel = Transport.plain().channel(new Address("127.0.0.1", 1));
    try {
      var refused =
          catchThrowableOfType(
              StatusRuntimeException.class,
              () ->
                  BrokerServiceGrpc.newBlockingStub(channel)
                      .status(StatusRequest.getDefaultInstance()));
      assertThat(CallFailures.isAnswer(refused)).isFalse();
    } finally {
      channel.shutdownNow();
    }
  }
}
