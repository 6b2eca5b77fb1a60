package org.fusionc.cli;

import java.nio.file.Path;
import org.fusionc.runtime.net.Tokens;
import org.fusionc.runtime.net.Transport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a broker knows others, and they it. */
final class BrokerTransportOptions {
  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description =
          "certificate, key and CA of this broker, as 'fusionc ca issue --role broker' made them"
              + " (default: no TLS, on loopback only)")
  private @Nullable Path tls;

  @Option(
      names = "--token-file",
      paramLabel = "F",
      description =
          "the hashes of the tokens that are accepted, as 'fusionc token create --token-file F'"
              + " keeps them; read again when it changes (default: none are asked for)")
  private @Nullable Path tokenFile;

  /**
   * Channels and servers with this certificate.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a file is missing or malformed
   */
  Transport transport() {
    return Transport.of(new Transport.Options(tls, null));
  }

  /**
   * What is accepted; null if no tokens are asked for.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the file is missing or malformed
   */
  @Nullable Tokens tokens() {
    return tokenFile == null ? null : Tokens.of(tokenFile);
  }
}
