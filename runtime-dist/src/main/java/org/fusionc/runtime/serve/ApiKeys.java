package org.fusionc.runtime.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;

/** The keys of which a client must have one; their digests only are kept. */
public final class ApiKeys {
  private static final String SCHEME = "Bearer ";

  private final List<byte[]> digests;

  private ApiKeys(List<byte[]> digests) {
    this.digests = digests;
  }

  /** Everybody may ask. */
  public static ApiKeys none() {
    return new ApiKeys(List.of());
  }

  /**
   * The keys in a file, one a line; lines that are empty or begin with # are passed over.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it cannot be read, or has no key
   */
  public static ApiKeys read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "the API keys cannot be read: " + IoReason.of(e),
              "give a text file with one key a line")
          .exception();
    }
    var keys =
        lines.stream().map(String::strip).filter(k -> !k.isEmpty() && !k.startsWith("#")).toList();
    if (keys.isEmpty()) {
      throw Diagnostic.invalid(
              Location.named(file.toString()), "there is no API key in it", "write one key a line")
          .exception();
    }
    return new ApiKeys(keys.stream().map(ApiKeys::digest).toList());
  }

  /** Refuses a request without a key; looks at every key, so that time tells nothing. */
  void check(Optional<String> authorization) {
    if (digests.isEmpty()) {
      return;
    }
    var header = authorization.orElse("");
    boolean bearer = header.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
    var given = digest(bearer ? header.substring(SCHEME.length()).strip() : "");
    boolean found = false;
    for (var digest : digests) {
      found |= MessageDigest.isEqual(digest, given);
    }
    if (!found) {
      throw ApiException.of(
          401,
          "invalid_api_key",
          null,
          bearer
              ? "The API key is not known."
              : "No API key: send it as 'Authorization: Bearer KEY'.");
    }
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
