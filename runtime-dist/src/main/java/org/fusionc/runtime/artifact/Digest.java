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
record Digest(String hex) {
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
  private static final String PREFIX = "sha256:";
  private static final long PIECE = 1 << 20;

  Digest {
    if (!HEX.matcher(hex).matches()) {
      throw new IllegalArgumentException("not a SHA-256: " + hex);
    }
  }

  static Digest of(MemorySegment bytes) {
    MessageDigest sha;
    try {
      sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
    for (long at = 0; at < bytes.byteSize(); at += PIECE) {
      sha.update(bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer());
    }
    return new Digest(HexFormat.of().formatHex(sha.digest()));
  }

  static Digest of(byte[] bytes) {
    return of(MemorySegment.ofArray(bytes));
  }

  /** Reads {@code sha256:…}; empty for another algorithm or a malformed digest. */
  static Optional<Digest> parse(String text) {
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
