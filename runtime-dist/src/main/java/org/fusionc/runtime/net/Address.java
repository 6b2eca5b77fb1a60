package org.fusionc.runtime.net;

import java.net.InetSocketAddress;
import org.fusionc.ir.diagnostic.Diagnostic;

/**
 * {@code HOST:PORT}; an IPv6 address stands in brackets.
 *
 * @param port 0 to 65535; 0 lets the system choose one to listen on
 */
public record Address(String host, int port) {
  /**
   * Reads {@code HOST:PORT}.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is malformed
   */
  public static Address parse(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.contains(":")) {
      host = "";
    }
    int port = -1;
    try {
      port = Integer.parseInt(text.substring(colon + 1));
    } catch (NumberFormatException e) {
      // Said below, with the form that is expected.
    }
    if (host.isEmpty() || port < 0 || port > 65535) {
      throw Diagnostic.usage(
              "'" + text + "' is no address", "write HOST:PORT, such as 127.0.0.1:7700")
          .exception();
    }
    return new Address(host, port);
  }

  public Address withPort(int other) {
    return new Address(host, other);
  }

  /** Resolves the host's name, now. */
  public InetSocketAddress resolve() {
    return new InetSocketAddress(host, port);
  }

  @Override
  public String toString() {
    return host.contains(":") ? "[" + host + "]:" + port : host + ":" + port;
  }
}
