package org.fusionc.runtime.serve;

import io.helidon.webserver.WebServer;
import java.io.IOException;
import java.net.ServerSocket;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Address;

/**
 * Starts HTTP servers. Helidon's own way, where a port is taken, is to log a stack trace and to
 * return as if the server had begun; here that is an exception with the reason.
 */
public final class HttpStart {
  private HttpStart() {}

  /**
   * Starts this server.
   *
   * @param complaint what is said before the reason, such as "the server cannot listen there"
   * @param advice what to do about it
   * @throws DiagnosticException if the address cannot be listened on
   */
  public static void start(WebServer server, Address listen, String complaint, String advice) {
    try (var probe = new ServerSocket()) {
      probe.bind(listen.resolve());
    } catch (IOException taken) {
      throw failed(listen, complaint + ": " + taken.getMessage(), advice);
    }
    try {
      server.start();
    } catch (RuntimeException failure) {
      throw failed(listen, complaint + ": " + reason(failure), advice);
    }
    if (!server.isRunning()) {
      throw failed(listen, complaint, advice);
    }
  }

  private static DiagnosticException failed(Address listen, String what, String advice) {
    return Diagnostic.failed(Location.named(listen.toString()), what, advice).exception();
  }

  private static String reason(Throwable failure) {
    return failure.getCause() == null ? failure.toString() : reason(failure.getCause());
  }
}
