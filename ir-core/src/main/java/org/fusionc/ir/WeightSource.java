package org.fusionc.ir;

import org.jspecify.annotations.Nullable;

/** Where a weight's bytes come from. */
public sealed interface WeightSource {

  /**
   * A tensor in a file of the model directory: {@code file("model.safetensors", "embed.weight")}.
   */
  record File(String file, String tensor) implements WeightSource {}

  /**
   * A blob of the artifact, by its digest: {@code blob("sha256:…")}, or {@code blob("sha256:…",
   * "avx512")} if its bytes lie in a {@link org.fusionc.ir.backend.PackedLayout}.
   *
   * @param layout the layout's name; null if rows follow each other
   */
  record Blob(String digest, @Nullable String layout) implements WeightSource {
    /** Rows that follow each other. */
    public Blob(String digest) {
      this(digest, null);
    }
  }

  /**
   * Computed from other weights when the model is loaded, where the weights live: the load-time
   * function, without parameters and with one result.
   */
  record Computed(Function function) implements WeightSource {}
}
