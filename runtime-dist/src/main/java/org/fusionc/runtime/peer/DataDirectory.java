package org.fusionc.runtime.peer;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.UUID;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.artifact.Digest;
import org.fusionc.runtime.artifact.Manifest;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.proto.Speed;
import org.jspecify.annotations.Nullable;

/**
 * What a peer keeps on disk: who it is, how fast its machine was, blobs, and for each artifact a
 * folder that shares these blobs. One process at a time has it.
 */
public final class DataDirectory implements AutoCloseable {
  private static final long LARGEST_BLOB = 1L << 40;

  private final Path root;
  private final FileChannel lock;
  private final BlobDirectory blobs;
  private final String instance;

  private DataDirectory(Path root, FileChannel lock, BlobDirectory blobs, String instance) {
    this.root = root;
    this.lock = lock;
    this.blobs = blobs;
    this.instance = instance;
  }

  /**
   * Opens or makes it.
   *
   * @throws DiagnosticException if another process has it, or it cannot be written
   */
  public static DataDirectory open(Path root) {
    FileChannel lock = null;
    try {
      Files.createDirectories(root);
      lock =
          FileChannel.open(
              root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!locked(lock)) {
        lock.close();
        throw Diagnostic.failed(
                Location.named(root.toString()),
                "another peer is running with this data directory",
                "stop that one, or give this one a --data of its own")
            .exception();
      }
      var file = root.resolve("instance");
      if (!Files.exists(file)) {
        replace(
            file, UUID.randomUUID().toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
      var instance = UUID.fromString(Files.readString(file).strip()).toString();
      return new DataDirectory(root, lock, BlobDirectory.open(root, LARGEST_BLOB), instance);
    } catch (IOException | IllegalArgumentException e) {
      close(lock);
      throw Diagnostic.failed(
              Location.named(root.toString()),
              "the data directory cannot be used: "
                  + (e instanceof IOException io
                      ? IoReason.of(io)
                      : "its file instance is damaged"),
              "choose another with --data")
          .exception();
    }
  }

  private static boolean locked(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException inThisProcess) {
      return false;
    }
  }

  private static void replace(Path file, byte[] bytes) throws IOException {
    var beside = file.resolveSibling(file.getFileName() + ".new");
    Files.write(beside, bytes);
    Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** A UUID: the same whenever a peer runs with this directory. */
  public String instance() {
    return instance;
  }

  public BlobDirectory blobs() {
    return blobs;
  }

  /**
   * The folder of an artifact, to be opened as one; those of its blobs that are here are in it. Two
   * stages of one artifact may be got at once.
   */
  synchronized Path artifact(Manifest manifest) throws IOException {
    var folder = models().resolve(manifest.self().digest().hex());
    manifest.writeFolder(folder);
    var link = folder.resolve("blobs");
    if (!Files.exists(link)) {
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, Path.of("..", "..", "blobs"));
    }
    return folder;
  }

  /** Deletes the folders of other artifacts; their blobs are another matter. */
  synchronized void deleteOtherArtifacts(Set<Digest> manifests) throws IOException {
    if (!Files.isDirectory(models())) {
      return;
    }
    try (var folders = Files.newDirectoryStream(models())) {
      for (var folder : folders) {
        var digest = Digest.parse("sha256:" + folder.getFileName());
        if (digest.isPresent() && !manifests.contains(digest.get())) {
          try (var files = Files.newDirectoryStream(folder)) {
            for (var file : files) {
              Files.delete(file);
            }
          }
          Files.delete(folder);
        }
      }
    }
  }

  private Path models() {
    return root.resolve("models");
  }

  /** What was measured before, with so many threads; null if nothing was. */
  @Nullable Speed speed(int threads) {
    try {
      return Speed.parseFrom(Files.readAllBytes(speedFile(threads)));
    } catch (IOException none) {
      return null;
    }
  }

  void speed(int threads, Speed speed) throws IOException {
    replace(speedFile(threads), speed.toByteArray());
  }

  private Path speedFile(int threads) {
    return root.resolve("speed-" + threads);
  }

  private static void close(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException ignored) {
      // The system frees it when the process ends.
    }
  }

  @Override
  public void close() {
    close(lock);
  }

  @Override
  public String toString() {
    return root.toString();
  }
}
