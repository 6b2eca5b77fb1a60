package org.fusionc.frontend.safetensors;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a safetensors file without ever holding more of it than what is handed over at a time. The
 * tensors are declared first; their bytes then come in any order and from any number of threads:
 *
 * <pre>{@code
 * try (var writer = SafetensorsWriter.create(path, declarations, Map.of("format", "pt"))) {
 *   writer.write("w", bytes);
 *   writer.finish();
 * }
 * }</pre>
 *
 * <p>The file appears under its name when it is finished; closing an unfinished writer leaves
 * nothing behind.
 */
public final class SafetensorsWriter implements AutoCloseable {
  // The format asks for no alignment; a whole cache line suits who maps the file.
  private static final int HEADER_ALIGNMENT = 64;
  private static final long LARGEST_BUFFER = 1 << 30;

  private record Slot(long offset, long length, AtomicLong written) {}

  private final Path path;
  private final Path partial;
  private final FileChannel channel;
  private final Map<String, Slot> slots = new HashMap<>();

  private SafetensorsWriter(
      Path path, Path partial, FileChannel channel, List<TensorDeclaration> ordered, long start) {
    this.path = path;
    this.partial = partial;
    this.channel = channel;
    long offset = start;
    for (TensorDeclaration tensor : ordered) {
      slots.put(tensor.name(), new Slot(offset, tensor.length(), new AtomicLong()));
      offset += tensor.length();
    }
  }

  /**
   * Begins a file. Tensors of wide elements are laid out before those of narrow ones, so that each
   * is aligned to its element; otherwise in the order given.
   *
   * @param tensors distinct names
   * @param metadata free text for the header
   * @throws IllegalArgumentException if two tensors have the same name
   */
  public static SafetensorsWriter create(
      Path path, List<TensorDeclaration> tensors, Map<String, String> metadata) throws IOException {
    List<TensorDeclaration> ordered =
        tensors.stream()
            .sorted(
                Comparator.comparingInt((TensorDeclaration tensor) -> tensor.dtype().bits())
                    .reversed())
            .toList();
    ByteBuffer header = header(ordered, metadata);
    Path partial = path.resolveSibling(SafetensorsFile.fileName(path) + ".part");
    FileChannel channel =
        FileChannel.open(
            partial,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    long start = header.remaining();
    try {
      writeFully(channel, header, 0);
    } catch (IOException failure) {
      try (channel) {
        Files.deleteIfExists(partial);
      }
      throw failure;
    }
    return new SafetensorsWriter(path, partial, channel, ordered, start);
  }

  /**
   * Writes a whole tensor.
   *
   * @param bytes row-major, little-endian, as many as its declaration takes
   */
  public void write(String name, MemorySegment bytes) throws IOException {
    Slot slot = slot(name);
    if (bytes.byteSize() != slot.length()) {
      throw new IllegalArgumentException(
          name + " takes " + slot.length() + " bytes, not " + bytes.byteSize());
    }
    for (long at = 0; at < bytes.byteSize(); at += LARGEST_BUFFER) {
      long size = Math.min(LARGEST_BUFFER, bytes.byteSize() - at);
      write(name, at, bytes.asSlice(at, size).asByteBuffer());
    }
  }

  /**
   * Writes a part of a tensor. Parts must not overlap.
   *
   * @param at the offset in the tensor, in bytes
   */
  public void write(String name, long at, ByteBuffer bytes) throws IOException {
    Slot slot = slot(name);
    int size = bytes.remaining();
    if (at < 0 || at > slot.length() - size) {
      throw new IllegalArgumentException(
          name + " takes " + slot.length() + " bytes; " + size + " at " + at + " are too many");
    }
    writeFully(channel, bytes, slot.offset() + at);
    slot.written().addAndGet(size);
  }

  /**
   * Completes the file and gives it its name.
   *
   * @throws IllegalStateException if a tensor was not written, or not to its end
   */
  public void finish() throws IOException {
    slots.forEach((name, slot) -> {
      if (slot.written().get() != slot.length()) {
        throw new IllegalStateException(
            name + ": " + slot.written() + " of " + slot.length() + " bytes were written");
      }
    });
    channel.close();
    Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void close() throws IOException {
    channel.close();
    Files.deleteIfExists(partial);
  }

  private Slot slot(String name) {
    Slot slot = slots.get(name);
    if (slot == null) {
      throw new IllegalArgumentException("no tensor '" + name + "' was declared");
    }
    return slot;
  }

  /** The header with its length before it and padding behind. */
  private static ByteBuffer header(List<TensorDeclaration> tensors, Map<String, String> metadata) {
    ObjectNode root = JsonFile.newObject();
    if (!metadata.isEmpty()) {
      ObjectNode notes = root.putObject("__metadata__");
      new TreeMap<>(metadata).forEach(notes::put);
    }
    long offset = 0;
    for (TensorDeclaration tensor : tensors) {
      if (root.has(tensor.name())) {
        throw new IllegalArgumentException("two tensors are called '" + tensor.name() + "'");
      }
      ObjectNode entry = root.putObject(tensor.name());
      entry.put("dtype", tensor.dtype().name());
      var shape = entry.putArray("shape");
      tensor.shape().forEach(shape::add);
      long end = Math.addExact(offset, tensor.length());
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json = JsonFile.writeCompact(root);
    int padded =
        Math.ceilDiv(Long.BYTES + json.length, HEADER_ALIGNMENT) * HEADER_ALIGNMENT - Long.BYTES;
    byte[] text = Arrays.copyOf(json, padded);
    Arrays.fill(text, json.length, padded, (byte) ' ');
    return ByteBuffer.allocate(Long.BYTES + padded)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(padded)
        .put(text)
        .flip();
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes, long position)
      throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }
}
