package org.fusionc.frontend.safetensors;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.OutputPlace;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a model directory with random weights: the shape of a real model, to measure with, without
 * its download. The same config, tensors, seed and dtype give the same bytes on every machine.
 */
public final class RandomCheckpoint {
  /** Beyond this, files are split, as transformers does; some file systems and servers need it. */
  private static final long SHARD_LIMIT = 5_000_000_000L;

  /** Hears how far the writing is; called by one thread at a time. */
  @FunctionalInterface
  public interface Progress {
    void written(long bytes, long ofBytes);
  }

  /** What one task of the pool fills and writes. */
  private record Chunk(RandomTensor tensor, long number, int count) {}

  private final ModelConfig config;
  private final List<RandomTensor> tensors;
  private final long seed;
  private final StoredDtype dtype;
  private final long shardLimit;
  private final long totalBytes;

  /**
   * @param tensors with distinct names; they are laid out in this order
   * @param dtype BF16, F16 or F32, for all of them
   * @throws DiagnosticException if the weights are larger than 64 bits can count
   */
  public RandomCheckpoint(
      ModelConfig config, List<RandomTensor> tensors, long seed, StoredDtype dtype) {
    this(config, tensors, seed, dtype, SHARD_LIMIT);
  }

  RandomCheckpoint(
      ModelConfig config,
      List<RandomTensor> tensors,
      long seed,
      StoredDtype dtype,
      long shardLimit) {
    this.config = config;
    this.tensors = List.copyOf(tensors);
    this.seed = seed;
    this.dtype = dtype;
    this.shardLimit = shardLimit;
    this.totalBytes = totalBytes(config, this.tensors, dtype);
  }

  /**
   * The dtype that a person calls {@code bf16}, {@code f16} or {@code f32}.
   *
   * @throws DiagnosticException if the text is none of them
   */
  public static StoredDtype dtype(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "bf16", "bfloat16" -> StoredDtype.BF16;
      case "f16", "float16" -> StoredDtype.F16;
      case "f32", "float32" -> StoredDtype.F32;
      default ->
          throw Diagnostic.usage(
                  "random weights cannot be of dtype '" + text + "'", "choose bf16, f16 or f32")
              .exception();
    };
  }

  /** The bytes of all weights together. */
  public long totalBytes() {
    return totalBytes;
  }

  /**
   * Writes the directory: the weights, an index if they are split, and the config with its dtype
   * adjusted, which comes last, so that a directory without it is known to be unfinished.
   *
   * @param directory missing, in a directory that is there, or empty
   * @throws DiagnosticException if the directory is not empty, or the disk is full or fails;
   *     nothing is left behind then
   */
  public void write(Path directory, Progress progress) {
    List<Path> created = new ArrayList<>();
    try {
      prepare(directory, created);
      writeWeights(directory, created, progress);
      Path file = directory.resolve("config.json");
      created.add(file);
      Files.writeString(file, JsonFile.write(config.withDtype(configName())));
    } catch (IOException failure) {
      remove(created);
      throw Diagnostic.failed(
              Location.named(directory.toString()),
              "writing the weights failed: " + IoReason.of(failure),
              "check that the disk has " + totalBytes + " bytes left and may be written to")
          .exception();
    } catch (RuntimeException failure) {
      remove(created);
      throw failure;
    }
  }

  private void prepare(Path directory, List<Path> created) throws IOException {
    if (Files.exists(directory)) {
      refuseUnlessEmpty(directory);
    } else {
      OutputPlace.require(directory);
      Files.createDirectory(directory);
      created.add(directory);
    }
    long free = Files.getFileStore(directory).getUsableSpace();
    if (free < totalBytes) {
      throw Diagnostic.failed(
              Location.named(directory.toString()),
              "the weights take " + totalBytes + " bytes, and the disk has " + free + " left",
              "choose another disk, a smaller model or a narrower dtype")
          .exception();
    }
  }

  private static void refuseUnlessEmpty(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw Diagnostic.usage(directory + " is not a directory", "name a new directory").exception();
    }
    try (Stream<Path> entries = Files.list(directory)) {
      if (entries.findAny().isPresent()) {
        throw Diagnostic.usage(
                directory + " is not empty, and nothing in it is overwritten",
                "name a new directory, or empty this one first")
            .exception();
      }
    }
  }

  private void writeWeights(Path directory, List<Path> created, Progress progress)
      throws IOException {
    List<List<RandomTensor>> shards = shards();
    var counter = new Counter(totalBytes, progress);
    ObjectNode index = JsonFile.newObject();
    index.putObject("metadata").put("total_size", totalBytes);
    ObjectNode map = index.putObject("weight_map");
    try (ExecutorService pool =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      for (int i = 0; i < shards.size(); i++) {
        String name =
            shards.size() == 1
                ? WeightFiles.SINGLE
                : WeightFiles.SHARD.formatted(i + 1, shards.size());
        created.add(directory.resolve(name));
        writeShard(directory.resolve(name), shards.get(i), pool, counter);
        shards.get(i).forEach(tensor -> map.put(tensor.name(), name));
      }
    }
    if (shards.size() > 1) {
      Path file = directory.resolve(WeightFiles.INDEX);
      created.add(file);
      Files.writeString(file, JsonFile.write(index));
    }
  }

  /** Fills shards in order; a tensor larger than the limit has a shard of its own. */
  private List<List<RandomTensor>> shards() {
    var shards = new ArrayList<List<RandomTensor>>();
    var current = new ArrayList<RandomTensor>();
    long size = 0;
    for (RandomTensor tensor : tensors) {
      long length = declaration(tensor).length();
      if (!current.isEmpty() && size + length > shardLimit) {
        shards.add(List.copyOf(current));
        current.clear();
        size = 0;
      }
      current.add(tensor);
      size += length;
    }
    shards.add(List.copyOf(current));
    return shards;
  }

  private void writeShard(
      Path path, List<RandomTensor> shard, ExecutorService pool, Counter counter)
      throws IOException {
    List<Chunk> chunks = shard.stream().flatMap(this::chunks).toList();
    var next = new AtomicInteger();
    try (var writer =
        SafetensorsWriter.create(
            path, shard.stream().map(this::declaration).toList(), Map.of("format", "pt"))) {
      var workers = new ArrayList<Future<Void>>();
      for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
        workers.add(
            pool.submit(() -> {
              writeChunks(writer, chunks, next, counter);
              return null;
            }));
      }
      try {
        for (Future<Void> worker : workers) {
          await(worker);
        }
      } finally {
        // Once one has failed, what the others would write is of no use.
        next.set(chunks.size());
      }
      writer.finish();
    }
  }

  private void writeChunks(
      SafetensorsWriter writer, List<Chunk> chunks, AtomicInteger next, Counter counter)
      throws IOException {
    var filler = new ChunkFiller(seed, dtype, config.initializerRange());
    int width = dtype.bits() / 8;
    for (int i = next.getAndIncrement(); i < chunks.size(); i = next.getAndIncrement()) {
      Chunk chunk = chunks.get(i);
      writer.write(
          chunk.tensor().name(),
          chunk.number() * ChunkFiller.CHUNK * width,
          filler.fill(chunk.tensor(), chunk.number(), chunk.count()));
      counter.add((long) chunk.count() * width);
    }
  }

  private Stream<Chunk> chunks(RandomTensor tensor) {
    long elements = declaration(tensor).length() * 8 / dtype.bits();
    return LongStream.range(0, Math.ceilDiv(elements, ChunkFiller.CHUNK))
        .mapToObj(number ->
            new Chunk(
                tensor,
                number,
                (int) Math.min(ChunkFiller.CHUNK, elements - number * ChunkFiller.CHUNK)));
  }

  private TensorDeclaration declaration(RandomTensor tensor) {
    return new TensorDeclaration(tensor.name(), dtype, tensor.shape());
  }

  private String configName() {
    return switch (dtype) {
      case BF16 -> "bfloat16";
      case F16 -> "float16";
      case F32 -> "float32";
      default -> throw new IllegalArgumentException(dtype + " is not a dtype of random weights");
    };
  }

  private static long totalBytes(
      ModelConfig config, List<RandomTensor> tensors, StoredDtype dtype) {
    long total = 0;
    for (RandomTensor tensor : tensors) {
      long length = dtype.byteLength(tensor.shape()).orElse(Long.MAX_VALUE);
      if (length >= Long.MAX_VALUE - total) {
        throw Diagnostic.invalid(
                config.location(),
                "the tensor '"
                    + tensor.name()
                    + "' of shape "
                    + tensor.shape()
                    + " makes the weights larger than 64 bits can count",
                "correct the sizes in it")
            .exception();
      }
      total += length;
    }
    return total;
  }

  private static void await(Future<Void> worker) throws IOException {
    try {
      worker.get();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", interrupted);
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IllegalStateException(failure.getCause());
    }
  }

  /** Removes what a failed attempt made, the last first; what cannot be removed stays. */
  private static void remove(List<Path> created) {
    for (Path path : created.reversed()) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException stays) {
        // The failure that led here is the one to tell of.
      }
    }
  }

  /** Adds up what all threads have written. */
  private static final class Counter {
    private final long total;
    private final Progress progress;
    private long written;

    Counter(long total, Progress progress) {
      this.total = total;
      this.progress = progress;
    }

    synchronized void add(long bytes) {
      written += bytes;
      progress.written(written, total);
    }
  }
}
