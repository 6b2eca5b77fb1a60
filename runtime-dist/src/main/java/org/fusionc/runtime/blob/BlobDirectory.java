package org.fusionc.runtime.blob;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.artifact.Digest;

/**
 * Blobs in files: {@code blobs/sha256/HEX} are whole and were verified, {@code HEX.part} beside
 * them hold what has come so far of others. For use by all threads of one process; that no two
 * processes use one directory is for their owner to see to.
 */
public final class BlobDirectory {
  private static final String PART = ".part";

  /** What there is of a blob, in bytes. */
  public record State(boolean complete, long bytes) {}

  private final Path root;
  private final Path folder;
  private final long largest;
  private final Set<Digest> writing = ConcurrentHashMap.newKeySet();

  private BlobDirectory(Path root, Path folder, long largest) {
    this.root = root;
    this.folder = folder;
    this.largest = largest;
  }

  /**
   * Opens or makes the directory.
   *
   * @param root the folder that holds, or will hold, the folder {@code blobs}
   * @param largest the largest blob that is accepted, in bytes
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it cannot be made
   */
  public static BlobDirectory open(Path root, long largest) {
    var absolute = root.toAbsolutePath().normalize();
    var folder = absolute.resolve("blobs").resolve("sha256");
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw Diagnostic.failed(
              Location.named(root.toString()),
              "the folder cannot be made: " + IoReason.of(e),
              "choose another data directory")
          .exception();
    }
    return new BlobDirectory(absolute, folder, largest);
  }

  public Path root() {
    return root;
  }

  /** The file of a blob that is here whole. */
  public Optional<Path> find(Digest digest) {
    var file = file(digest);
    return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
  }

  public boolean has(Digest digest) {
    return find(digest).isPresent();
  }

  public State state(Digest digest) {
    var whole = size(file(digest));
    return whole >= 0
        ? new State(true, whole)
        : new State(false, Math.max(0, size(partial(digest))));
  }

  /** All of a blob's bytes, for small ones; at most {@code limit} of them. */
  public byte[] read(Digest digest, long limit) throws IOException {
    var file = file(digest);
    if (Files.size(file) > limit) {
      throw new BlobException(
          BlobException.Kind.TOO_LARGE, digest + " has more than " + limit + " bytes");
    }
    return Files.readAllBytes(file);
  }

  /**
   * Begins to write a blob, or goes on where an earlier writer ended: see {@link
   * BlobWriter#position}. One writer of a blob at a time; close it in any case.
   *
   * @param size of the whole blob, in bytes
   * @throws BlobException if it is too large, there is no room, or somebody else writes it
   */
  public BlobWriter write(Digest digest, long size) throws IOException {
    if (size < 0 || size > largest) {
      throw new BlobException(
          BlobException.Kind.TOO_LARGE,
          "%s has %d bytes, and at most %d are accepted".formatted(digest, size, largest));
    }
    if (!writing.add(digest)) {
      throw new BlobException(BlobException.Kind.BUSY, digest + " is being written already");
    }
    try {
      long missing = size - Math.max(0, size(partial(digest)));
      if (missing > free()) {
        throw new BlobException(
            BlobException.Kind.NO_SPACE,
            "%s needs %d bytes more, and the disk has %d".formatted(digest, missing, free()));
      }
      return BlobWriter.open(
          digest, size, partial(digest), file(digest), () -> writing.remove(digest));
    } catch (IOException | RuntimeException | Error failure) {
      writing.remove(digest);
      throw failure;
    }
  }

  /** Stores a small blob at once. */
  public Digest store(byte[] bytes) throws IOException {
    var digest = Digest.of(bytes);
    if (has(digest)) {
      return digest;
    }
    try (var writer = write(digest, bytes.length)) {
      writer.restart();
      writer.append(0, java.nio.ByteBuffer.wrap(bytes));
      writer.finish();
    }
    return digest;
  }

  /** The blobs that are here whole. */
  public Set<Digest> list() {
    var found = new TreeSet<Digest>(java.util.Comparator.comparing(Digest::hex));
    for (var file : files()) {
      Digest.parse("sha256:" + file.getFileName()).ifPresent(found::add);
    }
    return found;
  }

  /** Bytes on disk, partial blobs included. */
  public long bytes() {
    return files().stream().mapToLong(file -> Math.max(0, size(file))).sum();
  }

  /** Bytes that the disk still has. */
  public long free() throws IOException {
    return Files.getFileStore(folder).getUsableSpace();
  }

  /** Deletes a blob, and what there is of it. Who has it open reads on. */
  public void delete(Digest digest) throws IOException {
    Files.deleteIfExists(file(digest));
    if (!writing.contains(digest)) {
      Files.deleteIfExists(partial(digest));
    }
  }

  /**
   * Deletes all blobs, whole or partial, that are not to be kept and have not changed for {@code
   * age}.
   *
   * @return bytes freed
   */
  public long deleteOthers(Set<Digest> keep, Duration age) throws IOException {
    long freed = 0;
    var before = Instant.now().minus(age);
    for (var file : files()) {
      var name = file.getFileName().toString();
      var hex = name.endsWith(PART) ? name.substring(0, name.length() - PART.length()) : name;
      var digest = Digest.parse("sha256:" + hex);
      if (digest.isEmpty() || keep.contains(digest.get()) || writing.contains(digest.get())) {
        continue;
      }
      long size = size(file);
      if (size >= 0 && !Files.getLastModifiedTime(file).toInstant().isAfter(before)) {
        Files.deleteIfExists(file);
        freed += size;
      }
    }
    return freed;
  }

  private List<Path> files() {
    var found = new ArrayList<Path>();
    try (var files = Files.newDirectoryStream(folder)) {
      files.forEach(found::add);
    } catch (IOException e) {
      throw Diagnostic.failed(
              Location.named(folder.toString()), "the folder cannot be read: " + IoReason.of(e), "")
          .exception();
    }
    return found;
  }

  private Path file(Digest digest) {
    return folder.resolve(digest.hex());
  }

  private Path partial(Digest digest) {
    return folder.resolve(digest.hex() + PART);
  }

  /** -1 if there is no such file. */
  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException absent) {
      return -1;
    }
  }

  @Override
  public String toString() {
    return root.toString();
  }
}
