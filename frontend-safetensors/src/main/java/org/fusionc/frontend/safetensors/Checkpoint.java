package org.fusionc.frontend.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;

/**
 * A Hugging Face model directory: {@code config.json}, and whatever else was downloaded. The
 * weights may be absent, since people plan before they download; whoever needs them says so by
 * {@link #requireWeights()} or by asking for a tensor.
 *
 * <p>Weight files stay mapped until the checkpoint is closed; any thread may read them.
 */
public final class Checkpoint implements AutoCloseable {
  private final Path directory;
  private final ModelConfig config;
  private final SequencedMap<String, SafetensorsFile> files;
  private final SequencedMap<String, StoredTensor> tensors;
  private final Arena arena;

  private Checkpoint(Path directory, ModelConfig config, Arena arena) {
    this.directory = directory;
    this.config = config;
    this.arena = arena;
    this.files = new WeightFiles(directory).open(arena);
    this.tensors = WeightFiles.tensors(directory, files);
  }

  /**
   * Opens a directory, and checks every weight file in it against its header and the index.
   *
   * @throws DiagnosticException if there is no config.json, a shard is missing, or a file is
   *     malformed
   */
  public static Checkpoint open(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw Diagnostic.invalid(
              Location.named(directory.toString()),
              Files.exists(directory) ? "this is not a directory" : "there is no such directory",
              "give the directory that holds the model's config.json")
          .exception();
    }
    ModelConfig config = ModelConfig.read(directory.resolve("config.json"));
    Arena arena = Arena.ofShared();
    try {
      return new Checkpoint(directory, config, arena);
    } catch (DiagnosticException failure) {
      arena.close();
      throw failure;
    }
  }

  public Path directory() {
    return directory;
  }

  public ModelConfig config() {
    return config;
  }

  /** {@code generation_config.json}: sampling defaults and the tokens that end a text. */
  public Optional<ConfigObject> generationConfig() {
    return companion("generation_config.json").map(ConfigObject::read);
  }

  /** {@code tokenizer.json}, if it was downloaded. */
  public Optional<Path> tokenizer() {
    return companion("tokenizer.json");
  }

  /** {@code tokenizer_config.json}: special tokens and the chat template. */
  public Optional<ConfigObject> tokenizerConfig() {
    return companion("tokenizer_config.json").map(ConfigObject::read);
  }

  /** Another file of the directory by its name, if it is there. */
  public Optional<Path> companion(String name) {
    return Optional.of(directory.resolve(name)).filter(Files::isRegularFile);
  }

  public boolean hasWeights() {
    return !files.isEmpty();
  }

  /**
   * Does nothing if there are weights.
   *
   * @throws DiagnosticException if there are none; it says what lies there instead
   */
  public void requireWeights() {
    if (!hasWeights()) {
      throw Diagnostic.invalid(
              Location.named(directory.toString()),
              "there are no weights in this directory, neither model.safetensors nor"
                  + " model.safetensors.index.json"
                  + othersPresent(),
              "download them; without weights a model can be planned, but not run")
          .exception();
    }
  }

  /** The weight files by name, in the order in which they count. */
  public SequencedMap<String, SafetensorsFile> files() {
    return files;
  }

  /** Every tensor of every file by name. */
  public SequencedMap<String, StoredTensor> tensors() {
    return tensors;
  }

  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * The tensor of this name.
   *
   * @throws DiagnosticException if there are no weights, or none of this name; it names the nearest
   */
  public StoredTensor require(String name) {
    requireWeights();
    return find(name)
        .orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named(directory.toString()),
                    "the weights have no tensor '" + name + "'",
                    Suggestion.nearest(name, tensors.keySet())
                            .map(near -> "the nearest is '" + near + "'; ")
                            .orElse("")
                        + "check that config.json and the weights belong together")
                .exception());
  }

  /**
   * The tensor of this name and shape.
   *
   * @throws DiagnosticException if there is none, or its shape differs
   */
  public StoredTensor require(String name, List<Long> shape) {
    StoredTensor tensor = require(name);
    if (!tensor.shape().equals(shape)) {
      throw Diagnostic.invalid(
              HeaderReader.at(directory.resolve(tensor.file()), name),
              "its shape is " + tensor.shape() + ", but config.json makes it " + shape,
              "check that config.json and the weights belong together")
          .exception();
    }
    return tensor;
  }

  /**
   * A tensor's bytes, read-only, as they lie in the file. They may start at any address, so read
   * them with unaligned layouts.
   *
   * @throws DiagnosticException if there is no such tensor
   */
  public MemorySegment bytes(String name) {
    StoredTensor tensor = require(name);
    SafetensorsFile file = files.get(tensor.file());
    if (file == null) {
      throw new IllegalStateException(tensor.file() + " is not a file of this checkpoint");
    }
    return file.bytes(name);
  }

  /** Unmaps the weights; their segments must not be used any more. */
  @Override
  public void close() {
    arena.close();
  }

  private String othersPresent() {
    try (Stream<Path> entries = Files.list(directory)) {
      List<String> others =
          entries
              .map(SafetensorsFile::fileName)
              .filter(name -> name.matches(".*\\.(bin|pt|pth|gguf|onnx|h5|msgpack|safetensors)"))
              .sorted()
              .limit(3)
              .toList();
      return others.isEmpty()
          ? ""
          : " (" + String.join(", ", others) + " is not what is read here)";
    } catch (IOException unreadable) {
      throw JsonFile.unreadable(directory, unreadable);
    }
  }
}
