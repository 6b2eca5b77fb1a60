package org.fusionc.runtime.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.io.IOException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;

class TlsFailureTest {
  @Test
  void theDeepestReasonIsToldInALine() {
    var handshake = new SSLHandshakeException("(certificate_unknown) PKIX path building failed");
    handshake.initCause(new IllegalStateException("no path to the target\nand more"));
    var call =
        Status.UNAVAILABLE
            .withDescription("io exception\nChannel Pipeline: [a, b]")
            .withCause(handshake)
            .asRuntimeException();
    assertThat(TlsFailure.of(call)).contains("TLS fails: no path to the target");
  }

  @Test
  void otherFailuresAreNone() {
    assertThat(TlsFailure.of(new IOException("refused"))).isEmpty();
    assertThat(TlsFailure.of(null)).isEmpty();
  }
}
