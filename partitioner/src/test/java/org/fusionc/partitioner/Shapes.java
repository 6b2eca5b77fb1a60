package org.fusionc.partitioner;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.frontend.safetensors.architecture.ModelImporter;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.junit.jupiter.api.Assumptions;

/** Modules of real models' shapes, from nothing but a config.json. */
final class Shapes {
  private Shapes() {}

  /** The model of a configuration in the folder of shapes that lies beside the repository. */
  static Module shared(String name) {
    var root = Path.of("").toAbsolutePath();
    while (root != null
        && !(Files.exists(root.resolve("grammar")) && Files.exists(root.resolve("pom.xml")))) {
      root = root.getParent();
    }
    if (root == null || !Files.exists(root.resolveSibling("shared/shapes"))) {
      return Assumptions.abort("shared/shapes is not here: it lies beside the repository");
    }
    try {
      return of(Files.readString(root.resolveSibling("shared/shapes/" + name + ".json")));
    } catch (IOException problem) {
      throw new UncheckedIOException(problem);
    }
  }

  /** A small llama. */
  static Module small(int layers) {
    return of(
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
         "rms_norm_eps": 1e-5, "torch_dtype": "float32", "tie_word_embeddings": true,
         "hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": %d,
         "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96,
         "max_position_embeddings": 256, "rope_theta": 10000.0, "bos_token_id": 1,
         "eos_token_id": 2}
        """
            .formatted(layers));
  }

  static Module of(String config) {
    try {
      var directory = Files.createTempDirectory("shape");
      try {
        Files.writeString(directory.resolve("config.json"), config);
        try (var checkpoint = Checkpoint.open(directory)) {
          return new ModelImporter().importModel(checkpoint, new Graph());
        }
      } finally {
        Files.deleteIfExists(directory.resolve("config.json"));
        Files.deleteIfExists(directory);
      }
    } catch (IOException problem) {
      throw new UncheckedIOException(problem);
    }
  }
}
