package org.fusionc.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.net.Transport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * How a command shows the rest of the cluster who it is: what every command that calls others
 * takes. (A broker's own {@code --token-file} is another thing: the hashes of what it accepts.)
 */
final class TransportOptions {
  /** Read where --token-file is not given. */
  private static final String TOKEN_VARIABLE = "FUSIONC_TOKEN";

  private static final int MAX_TOKEN = 4096;

  @Option(
      names = "--tls",
      paramLabel = "DIR",
      description =
          "certificate, key and CA of this process, as 'fusionc ca issue' made them (default: no"
              + " TLS, on loopback only)")
  private @Nullable Path tls;

  @Option(
      names = "--token-file",
      paramLabel = "F",
      description =
          "a file with the token, as 'fusionc token create' printed it, to show to others (default:"
              + " the environment's FUSIONC_TOKEN; not the broker's file of hashes)")
  private @Nullable Path tokenFile;

  /** Whether one of these options is there; the environment's token does not count. */
  boolean isGiven() {
    return tls != null || tokenFile != null;
  }

  /**
   * The certificate and token.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a file is missing or malformed
   */
  Transport.Options options() {
    return new Transport.Options(tls, token());
  }

  /**
   * Channels and servers with these.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a file is missing or malformed
   */
  Transport transport() {
    return Transport.of(options());
  }

  private @Nullable String token() {
    if (tokenFile == null) {
      return tokenOfEnvironment();
    }
    try {
      if (Files.size(tokenFile) > MAX_TOKEN) {
        throw noToken(tokenFile.toString(), "it is too long to be one");
      }
      return check(Files.readString(tokenFile), tokenFile.toString());
    } catch (IOException e) {
      throw noToken(tokenFile.toString(), "it cannot be read (" + IoReason.of(e) + ")");
    }
  }

  /** The environment's token; null if there is none. */
  static @Nullable String tokenOfEnvironment() {
    String variable = System.getenv(TOKEN_VARIABLE);
    return variable == null || variable.isBlank() ? null : check(variable, TOKEN_VARIABLE);
  }

  private static String check(String text, String from) {
    String token = text.strip();
    if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 127)) {
      throw noToken(
          from,
          token.startsWith("#")
              ? "it is a broker's file of hashes"
              : "it must be one word of ASCII characters");
    }
    return token;
  }

  private static DiagnosticException noToken(String from, String why) {
    return Diagnostic.invalid(
            Location.named(from),
            "there is no token here: " + why,
            "put what 'fusionc token create' printed into a file, and name that")
        .exception();
  }
}
