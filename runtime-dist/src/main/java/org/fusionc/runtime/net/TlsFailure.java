package org.fusionc.runtime.net;

import java.util.Optional;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Says in a line why TLS fails: what gRPC says of it has many, and the reason is deep in causes.
 */
public final class TlsFailure {
  private TlsFailure() {}

  /** The reason, if TLS is what fails. */
  public static Optional<String> of(@Nullable Throwable failure) {
    for (var each = failure; each != null; each = each.getCause()) {
      if (each instanceof SSLException) {
        return Optional.of("TLS fails: " + deepest(each));
      }
    }
    return Optional.empty();
  }

  private static String deepest(Throwable failure) {
    var at = failure;
    while (at.getCause() != null) {
      at = at.getCause();
    }
    var message = at.getMessage();
    return message == null ? at.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }
}
