package org.fusionc.runtime.artifact;

import static org.fusionc.runtime.artifact.Layout.invalid;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.fusionc.ir.diagnostic.IoReason;

/** Maps blobs into memory, and gives none out whose size or digest is wrong. */
final class Blobs {
  private static final String REMEDY = "copy or compile the artifact again";

  private Blobs() {}

  /**
   * The blob's bytes, mapped from the file at a page boundary, read-only, for as long as {@code
   * arena} lives. What is returned is the very memory that was checked.
   */
  static MemorySegment map(Path root, Descriptor descriptor, Arena arena) {
    Path file = Layout.blob(root, descriptor.digest());
    if (!Files.isRegularFile(file)) {
      throw invalid(root, descriptor + " is missing", REMEDY);
    }
    MemorySegment bytes;
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size != descriptor.size()) {
        throw invalid(
            root, descriptor + " has " + size + " bytes instead of " + descriptor.size(), REMEDY);
      }
      bytes = size == 0 ? MemorySegment.NULL : channel.map(MapMode.READ_ONLY, 0, size, arena);
    } catch (IOException e) {
      throw invalid(root, descriptor + " cannot be read: " + IoReason.of(e), REMEDY);
    }
    Digest actual = Digest.of(bytes);
    if (!actual.equals(descriptor.digest())) {
      throw invalid(root, descriptor + " is damaged: its content has the digest " + actual, REMEDY);
    }
    return bytes;
  }

  /** The blob's bytes on the heap. */
  static byte[] bytes(Path root, Descriptor descriptor) {
    if (descriptor.size() > Integer.MAX_VALUE - 16) {
      throw invalid(root, descriptor + " is too large to be read whole", REMEDY);
    }
    try (var arena = Arena.ofConfined()) {
      return map(root, descriptor, arena).toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
