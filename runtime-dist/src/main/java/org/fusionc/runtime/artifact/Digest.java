package org.fusionc.runtime.artifact;

import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The SHA-256 of some bytes.
 *
 * @param hex 64 lower-case hexadecimal digits, so that it is safe as a file name
 */
public record Digest(String hex) {
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
  private static final String PREFIX = "sha256:";
  private static final long PIECE = 1 << 20;

  public Digest {
    if (!HEX.matcher(hex).matches()) {
      throw new IllegalArgumentException("not a SHA-256: " + hex);
    }
  }

  public static Digest of(MemorySegment bytes) {
    var sha = sha256();
    for (long at = 0; at < bytes.byteSize(); at += PIECE) {
      sha.update(bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer());
    }
    return ofFinished(sha);
  }

  /** A hash to feed with bytes as they come; see {@link #ofFinished}. */
  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** What the hash has come to; the hash starts anew. */
  public static Digest ofFinished(MessageDigest sha) {
    return new Digest(HexFormat.of().formatHex(sha.digest()));
  }

  public static Digest of(byte[] bytes) {
    return of(MemorySegment.ofArray(bytes));
  }

  /** Reads {@code sha256:…}; empty for another algorithm or a malformed digest. */
  public static Optional<Digest> parse(String text) {
    if (!text.startsWith(PREFIX)) {
      return Optional.empty();
    }
    String hex = text.substring(PREFIX.length());
    return HEX.matcher(hex).matches() ? Optional.of(new Digest(hex)) : Optional.empty();
  }

  @Override
  public String toString() {
    return PREFIX + hex;
  }
}
