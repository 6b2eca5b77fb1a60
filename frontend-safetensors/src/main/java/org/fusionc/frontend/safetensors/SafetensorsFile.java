package org.fusionc.frontend.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * A memory-mapped safetensors file. Nothing but its header is read until somebody reads a tensor's
 * bytes, and it may be larger than memory.
 */
public final class SafetensorsFile {
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The format's own limit, which keeps a hostile header from exhausting memory. */
  private static final long LONGEST_HEADER = 100_000_000;

  private static final byte[] GIT_LFS_POINTER =
      "version https://git-lfs".getBytes(StandardCharsets.US_ASCII);

  private final Path path;
  private final MemorySegment mapped;
  private final SequencedMap<String, StoredTensor> tensors;
  private final Map<String, String> metadata;

  private SafetensorsFile(
      Path path,
      MemorySegment mapped,
      SequencedMap<String, StoredTensor> tensors,
      Map<String, String> metadata) {
    this.path = path;
    this.mapped = mapped;
    this.tensors = Collections.unmodifiableSequencedMap(tensors);
    this.metadata = Map.copyOf(metadata);
  }

  /**
   * Maps a file and checks its header against it.
   *
   * @param arena the file stays mapped until it is closed; a shared one lets several threads read
   * @throws DiagnosticException if the file is missing, truncated or malformed in any way
   */
  public static SafetensorsFile open(Path path, Arena arena) {
    MemorySegment mapped = map(path, arena);
    long dataStart = Long.BYTES + headerLength(path, mapped);
    byte[] header =
        mapped.asSlice(Long.BYTES, dataStart - Long.BYTES).toArray(ValueLayout.JAVA_BYTE);
    HeaderReader.Header parsed = HeaderReader.read(path, header);
    String file = fileName(path);
    var tensors = new LinkedHashMap<String, StoredTensor>();
    for (var entry : new LayoutCheck(path, mapped.byteSize() - dataStart).check(parsed.entries())) {
      tensors.put(
          entry.name(),
          new StoredTensor(
              entry.name(),
              entry.dtype(),
              entry.shape(),
              file,
              dataStart + entry.begin(),
              entry.end() - entry.begin()));
    }
    return new SafetensorsFile(path, mapped, tensors, parsed.metadata());
  }

  public Path path() {
    return path;
  }

  /** Every tensor by its name, in the order of their bytes. */
  public SequencedMap<String, StoredTensor> tensors() {
    return tensors;
  }

  /** What the writer noted in the header, such as {@code format = pt}. */
  public Map<String, String> metadata() {
    return metadata;
  }

  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * The tensor of this name.
   *
   * @throws DiagnosticException if there is none; it names the nearest
   */
  public StoredTensor require(String name) {
    return find(name)
        .orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named(path.toString()),
                    "there is no tensor '" + name + "'",
                    Suggestion.didYouMean(
                        name, tensors.keySet(), "nothing in the file has a similar name"))
                .exception());
  }

  /**
   * A tensor's bytes, read-only, as they lie in the file. They may start at any address, so read
   * them with unaligned layouts.
   *
   * @throws DiagnosticException if there is no such tensor
   */
  public MemorySegment bytes(String name) {
    StoredTensor tensor = require(name);
    return mapped.asSlice(tensor.offset(), tensor.length());
  }

  static String fileName(Path path) {
    Path name = path.getFileName();
    return name == null ? path.toString() : name.toString();
  }

  private static MemorySegment map(Path path, Arena arena) {
    if (Files.isDirectory(path)) {
      throw invalid(path, "this is a directory", "name a *.safetensors file in it");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < Long.BYTES) {
        throw invalid(
            path,
            "a safetensors file starts with the 8 bytes of its header's length, and this one has "
                + size
                + " in all",
            "download the file again");
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
    } catch (NoSuchFileException missing) {
      throw invalid(path, "there is no such file", "download it, or correct the path");
    } catch (IOException failure) {
      throw JsonFile.unreadable(path, failure);
    }
  }

  private static long headerLength(Path path, MemorySegment mapped) {
    if (mapped.byteSize() >= GIT_LFS_POINTER.length
        && mapped
                .asSlice(0, GIT_LFS_POINTER.length)
                .mismatch(MemorySegment.ofArray(GIT_LFS_POINTER))
            < 0) {
      throw invalid(
          path,
          "this is not the file but Git LFS's pointer to it",
          "run 'git lfs pull' in its directory");
    }
    long length = mapped.get(LENGTH, 0);
    if (length < 0 || length > LONGEST_HEADER) {
      throw invalid(
          path,
          "the first 8 bytes give a header of "
              + Long.toUnsignedString(length)
              + " bytes, and no header may be longer than "
              + LONGEST_HEADER
              + ": this is not a safetensors file, or it is damaged",
          "download the file again, or convert the model to safetensors");
    }
    long rest = mapped.byteSize() - Long.BYTES;
    if (length > rest) {
      throw invalid(
          path,
          "the header is "
              + length
              + " bytes long, but only "
              + rest
              + " follow: the file is truncated",
          "download the file again");
    }
    return length;
  }

  private static DiagnosticException invalid(Path path, String message, String remedy) {
    return Diagnostic.invalid(Location.named(path.toString()), message, remedy).exception();
  }
}
