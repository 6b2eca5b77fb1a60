package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Locale;
import org.fusionc.ir.DType;
import org.fusionc.runtime.model.ModelSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What every command that opens a model takes. */
final class ModelOptions {
  /** What the KV cache is kept as. */
  enum Cache {
    F32,
    F16
  }

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "a Hugging Face model directory, or an artifact")
  private Path model = Path.of("");

  @Option(
      names = "--kv",
      paramLabel = "DTYPE",
      description =
          "dtype of the KV cache: ${COMPLETION-CANDIDATES} (default: F32, or the artifact's own)")
  private @Nullable Cache cache;

  /** The name of the folder or file. */
  String name() {
    var file = model.toAbsolutePath().normalize().getFileName();
    return file == null ? model.toString() : file.toString();
  }

  Path path() {
    return model;
  }

  /** Whether the dtype of the KV cache is chosen. */
  boolean choosesCache() {
    return cache != null;
  }

  ModelSource open() {
    var dtype =
        cache == null ? null : DType.scalar(cache.name().toLowerCase(Locale.ROOT)).orElseThrow();
    return ModelSource.open(model, dtype);
  }
}
