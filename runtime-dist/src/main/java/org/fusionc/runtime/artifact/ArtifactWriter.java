package org.fusionc.runtime.artifact;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.OutputPlace;
import org.jspecify.annotations.Nullable;

/**
 * Writes an artifact. Nothing shows at the target until {@link #finish()}: everything is written
 * beside it first. An artifact that is already there is replaced by exchanging its index.json, so
 * that who opens it sees either the old or the new one whole. Anything else that is already there
 * is left alone, with a diagnostic.
 *
 * <p>The same parts give the same bytes, in whatever order they are added. Parts may be added by
 * several threads.
 */
public final class ArtifactWriter implements AutoCloseable {
  private static final long PIECE = 64L << 20;

  private final Path target;
  private final Path staging;
  private final Map<String, Descriptor> parts = new ConcurrentSkipListMap<>();
  private final Map<String, String> properties = new ConcurrentSkipListMap<>();
  private final Set<Digest> written = ConcurrentHashMap.newKeySet();
  private boolean finished;

  private ArtifactWriter(Path target, Path staging) {
    this.target = target;
    this.staging = staging;
  }

  /**
   * Begins an artifact at {@code target}, which must not exist, be an empty folder, or be a fusionc
   * artifact. The folder in which it is to lie must exist.
   */
  public static ArtifactWriter create(Path target) {
    Path absolute = target.toAbsolutePath().normalize();
    checkTarget(absolute);
    Path parent = absolute.getParent();
    Path name = absolute.getFileName();
    if (parent == null || name == null) {
      throw refuse(absolute, "this is the root of a file system");
    }
    OutputPlace.require(target);
    try {
      // Beside the target, so that it can be renamed; not a temporary folder, which is private.
      String unique = Long.toHexString(ProcessHandle.current().pid()) + "-" + System.nanoTime();
      Path staging = Files.createDirectory(parent.resolve("." + name + ".partial-" + unique));
      Files.createDirectories(staging.resolve("blobs").resolve("sha256"));
      return new ArtifactWriter(absolute, staging);
    } catch (IOException e) {
      throw failed(absolute, e);
    }
  }

  /** Notes something about the artifact as a whole, such as the model's name. */
  public ArtifactWriter property(String key, String value) {
    properties.put(key, value);
    return this;
  }

  /** Adds a text, stored as UTF-8. */
  public ArtifactWriter addText(String name, String mediaType, String text) {
    return addBytes(name, mediaType, text.getBytes(StandardCharsets.UTF_8));
  }

  public ArtifactWriter addBytes(String name, String mediaType, byte[] bytes) {
    return add(name, mediaType, MemorySegment.ofArray(bytes));
  }

  /** Adds a tensor: its elements, little-endian and contiguous. Equal tensors are stored once. */
  public ArtifactWriter addTensor(String name, MemorySegment elements) {
    return add(name, MediaTypes.TENSOR, elements);
  }

  /** The digest of a part that was added, {@code sha256:…}. */
  public String digest(String name) {
    var part = parts.get(name);
    if (part == null) {
      throw new IllegalArgumentException("no part is named '" + name + "'");
    }
    return part.digest().toString();
  }

  private ArtifactWriter add(String name, String mediaType, MemorySegment bytes) {
    checkName(name);
    var part = new Descriptor(name, mediaType, Digest.of(bytes), bytes.byteSize());
    if (parts.putIfAbsent(name, part) != null) {
      throw new IllegalArgumentException("two parts are named '" + name + "'");
    }
    write(part.digest(), bytes);
    return this;
  }

  /**
   * Puts the artifact in place.
   *
   * @return its digest, {@code sha256:…}
   */
  public String finish() {
    var config = blob("config", MediaTypes.CONFIG, Layout.configBlob(properties));
    var manifest = blob("manifest", MediaTypes.MANIFEST, Layout.manifestBlob(config, parts));
    checkTarget(target);
    try {
      Files.write(staging.resolve(Layout.LAYOUT_FILE), Layout.layoutFile());
      Files.write(staging.resolve(Layout.INDEX_FILE), Layout.indexFile(manifest));
      if (Files.exists(target.resolve(Layout.INDEX_FILE))) {
        replace();
      } else {
        Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw failed(target, e);
    }
    finished = true;
    return manifest.digest().toString();
  }

  /** Moves the blobs in, then the index, which is the moment of change, then clears up. */
  private void replace() throws IOException {
    var keep = new HashSet<String>();
    Path blobs = target.resolve("blobs").resolve("sha256");
    Files.createDirectories(blobs);
    for (Digest digest : written) {
      keep.add(digest.hex());
      Files.move(
          Layout.blob(staging, digest),
          Layout.blob(target, digest),
          StandardCopyOption.ATOMIC_MOVE);
    }
    for (String file : List.of(Layout.LAYOUT_FILE, Layout.INDEX_FILE)) {
      Files.move(staging.resolve(file), target.resolve(file), StandardCopyOption.ATOMIC_MOVE);
    }
    try (var old = Files.newDirectoryStream(blobs)) {
      for (Path blob : old) {
        if (!keep.contains(blob.getFileName().toString())) {
          Files.delete(blob);
        }
      }
    }
    deleteTree(staging);
  }

  private Descriptor blob(String name, String mediaType, byte[] bytes) {
    var descriptor = new Descriptor(name, mediaType, Digest.of(bytes), bytes.length);
    write(descriptor.digest(), MemorySegment.ofArray(bytes));
    return descriptor;
  }

  private void write(Digest digest, MemorySegment bytes) {
    if (!written.add(digest)) {
      return;
    }
    try (var channel =
        FileChannel.open(
            Layout.blob(staging, digest),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE)) {
      for (long at = 0; at < bytes.byteSize(); at += PIECE) {
        ByteBuffer piece = bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer();
        while (piece.hasRemaining()) {
          channel.write(piece);
        }
      }
    } catch (IOException e) {
      throw failed(target, e);
    }
  }

  /** Removes what was written so far, unless the artifact was finished. */
  @Override
  public void close() {
    if (!finished) {
      try {
        deleteTree(staging);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot remove " + staging, e);
      }
    }
  }

  private static void checkTarget(Path target) {
    if (!Files.exists(target)) {
      return;
    }
    if (!Files.isDirectory(target)) {
      throw refuse(target, "there is a file of that name");
    }
    try (var content = Files.list(target)) {
      if (content.findAny().isEmpty()) {
        return;
      }
    } catch (IOException e) {
      throw failed(target, e);
    }
    if (!Artifact.isArtifact(target)) {
      throw refuse(target, "there is a folder of that name that is not an artifact");
    }
    try {
      var _ = Layout.read(target);
    } catch (DiagnosticException e) {
      throw refuse(
          target,
          "what is there cannot be recognised as an artifact of fusionc (" + e.getMessage() + ")");
    }
  }

  /** Registry tools unpack parts under their names, so a name must not lead out of a folder. */
  private static void checkName(String name) {
    boolean bad =
        name.isEmpty()
            || name.startsWith("/")
            || name.chars().anyMatch(Character::isISOControl)
            || List.of(name.split("/", -1)).stream()
                .anyMatch(step -> step.isEmpty() || step.equals(".") || step.equals(".."));
    if (bad) {
      throw Diagnostic.invalid(
              Location.named("'" + name + "'"),
              "this cannot name a part of an artifact: it is no relative path",
              "use a name without empty steps, '.', '..' and control characters")
          .exception();
    }
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException problem)
              throws IOException {
            if (problem != null) {
              throw problem;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static DiagnosticException refuse(Path target, String problem) {
    return Diagnostic.usage(
            target + " would be overwritten: " + problem,
            "give another output (-o), or remove it first")
        .exception();
  }

  private static DiagnosticException failed(Path target, IOException e) {
    return Diagnostic.failed(
            Location.named(target.toString()),
            "the artifact cannot be written: " + IoReason.of(e),
            "check permissions and free space of the folder")
        .exception();
  }
}
