package org.fusionc.runtime.blob;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Objects;
import org.fusionc.runtime.artifact.Digest;

/**
 * Writes one blob, in order. Closing before {@link #finish} keeps what has been written for the
 * next writer.
 */
public final class BlobWriter implements AutoCloseable {
  private static final int PIECE = 1 << 20;

  private final Digest digest;
  private final long size;
  private final Path partial;
  private final Path whole;
  private final FileChannel channel;
  private final MessageDigest sha;
  private final Runnable release;
  private long position;
  private boolean closed;

  private BlobWriter(
      Digest digest, long size, Path partial, Path whole, FileChannel channel, Runnable release) {
    this.digest = digest;
    this.size = size;
    this.partial = partial;
    this.whole = whole;
    this.channel = channel;
    this.release = release;
    sha = Digest.sha256();
  }

  static BlobWriter open(Digest digest, long size, Path partial, Path whole, Runnable release)
      throws IOException {
    var channel =
        FileChannel.open(
            partial, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      var writer = new BlobWriter(digest, size, partial, whole, channel, release);
      if (channel.size() > size) {
        writer.restart();
      } else {
        writer.takeUp();
      }
      return writer;
    } catch (IOException | RuntimeException | Error failure) {
      channel.close();
      throw failure;
    }
  }

  /** Hashes what an earlier writer left, so that only new bytes are hashed as they come. */
  private void takeUp() throws IOException {
    var piece = ByteBuffer.allocateDirect(PIECE);
    while (channel.read(piece.clear(), position) > 0) {
      position += piece.position();
      sha.update(piece.flip());
    }
  }

  /** The offset of the byte to be written next: how much there is already. */
  public long position() {
    return position;
  }

  public long size() {
    return size;
  }

  /** Drops what there is. */
  public void restart() throws IOException {
    channel.truncate(0);
    sha.reset();
    position = 0;
  }

  /**
   * Writes bytes.
   *
   * @throws BlobException if they do not begin at {@link #position}, or reach beyond the size
   */
  public void append(long offset, ByteBuffer bytes) throws IOException {
    if (offset != position) {
      throw new BlobException(
          BlobException.Kind.OUT_OF_ORDER,
          "%s: bytes begin at %d, but %d are here".formatted(digest, offset, position));
    }
    if (bytes.remaining() > size - position) {
      throw new BlobException(
          BlobException.Kind.TOO_LARGE, digest + " is longer than the " + size + " bytes stated");
    }
    sha.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      position += channel.write(bytes, position);
    }
  }

  /**
   * Checks the digest and puts the blob in its place; it survives a loss of power from then on.
   *
   * @throws BlobException if bytes are missing, which keeps those that are here, or if the digest
   *     is wrong, which deletes them
   */
  public void finish() throws IOException {
    if (position != size) {
      throw new BlobException(
          BlobException.Kind.OUT_OF_ORDER,
          "%s: %d of %d bytes are here".formatted(digest, position, size));
    }
    var actual = Digest.ofFinished(sha);
    if (!actual.equals(digest)) {
      channel.truncate(0);
      Files.deleteIfExists(partial);
      throw new BlobException(
          BlobException.Kind.DAMAGED,
          "the bytes given as %s have the digest %s".formatted(digest, actual));
    }
    channel.force(true);
    Files.move(partial, whole, StandardCopyOption.ATOMIC_MOVE);
    try (var folder = FileChannel.open(Objects.requireNonNull(whole.getParent()))) {
      folder.force(true);
    } catch (IOException unsupported) {
      // Windows cannot open a folder; the file itself is safe.
    }
  }

  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      try {
        channel.close();
      } finally {
        release.run();
      }
    }
  }
}
