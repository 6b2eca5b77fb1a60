package org.fusionc.ir;

/** Where a weight's bytes come from. */
public sealed interface WeightSource {

  /**
   * A tensor in a file of the model directory: {@code file("model.safetensors", "embed.weight")}.
   */
  record File(String file, String tensor) implements WeightSource {}

  /** A blob of the artifact, by its digest: {@code blob("sha256:…")}. */
  record Blob(String digest) implements WeightSource {}

  /**
   * Computed from other weights when the model is loaded, where the weights live: the load-time
   * function, without parameters and with one result.
   */
  record Computed(Function function) implements WeightSource {}
}
