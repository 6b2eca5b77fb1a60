package org.fusionc.runtime.net;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;

/**
 * What a server knows of a token.
 *
 * @param hash SHA-256 of the token's text, as 64 lower-case hexadecimal digits
 * @param role what its bearer may do
 * @param expires from then on it is refused
 * @param name for people, unique in a file
 */
public record TokenEntry(String hash, Role role, Instant expires, String name) {
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,63}");
  private static final Pattern SPACE = Pattern.compile(" ");

  /**
   * @throws DiagnosticException if the hash or the name is malformed
   */
  public TokenEntry {
    if (!HASH.matcher(hash).matches()) {
      throw invalid("a token's hash is 64 hexadecimal digits");
    }
    checkName(name);
  }

  /**
   * A name of a token.
   *
   * @throws DiagnosticException if it is malformed
   */
  static String checkName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw invalid(
          "a token's name has 1 to 63 letters, digits, dots, hyphens and low lines, not '"
              + (name.length() > 80 ? name.substring(0, 80) + "…" : name)
              + "'");
    }
    return name;
  }

  /**
   * Reads what {@link #line} wrote.
   *
   * @throws DiagnosticException if it is malformed
   */
  public static TokenEntry parse(String line) {
    String[] words = SPACE.split(line, -1);
    if (words.length != 4) {
      throw invalid("a line has a hash, a role, an expiry and a name, with a space between");
    }
    try {
      return new TokenEntry(words[0], Role.parse(words[1]), Instant.parse(words[2]), words[3]);
    } catch (DateTimeParseException e) {
      throw invalid("an expiry reads 2030-12-31T23:59:59Z");
    }
  }

  /** One line, without its end: hash, role, expiry and name. */
  public String line() {
    return hash + " " + role.word() + " " + expires + " " + name;
  }

  /** Whether the text that hashes so is this token's; takes as long for every hash. */
  boolean fits(byte[] textHash) {
    return MessageDigest.isEqual(textHash, HexFormat.of().parseHex(hash));
  }

  static byte[] hash(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static DiagnosticException invalid(String message) {
    return Diagnostic.invalid(Location.unknown(), message, "write it with 'fusionc token create'")
        .exception();
  }
}
