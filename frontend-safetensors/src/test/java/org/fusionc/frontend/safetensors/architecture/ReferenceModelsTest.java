package org.fusionc.frontend.safetensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.frontend.safetensors.ModelConfig;
import org.fusionc.frontend.safetensors.RandomTensor;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Imported models compute what the library that defines their families computes: on tiny models
 * with random weights that lie here (see make_references.py), and on those of shared/models.
 */
class ReferenceModelsTest {
  private static final int MOST_SHARED_IDS = 24;

  static Stream<String> references() throws IOException {
    try (var folders = Files.list(folder())) {
      return folders.map(path -> path.getFileName().toString()).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("references")
  void aReferenceModelGivesItsIdsAndLogits(String name) throws IOException {
    GoldenCases.check(folder().resolve(name), Integer.MAX_VALUE);
  }

  @ParameterizedTest
  @MethodSource("references")
  void theTensorsOfAConfigAreThoseOfItsCheckpoint(String name) throws IOException {
    var model = folder().resolve(name);
    try (var checkpoint = Checkpoint.open(model)) {
      var declared = new ModelImporter().tensors(ModelConfig.read(model.resolve("config.json")));
      assertThat(declared)
          .extracting(tensor -> tensor.name() + tensor.shape())
          .containsExactlyInAnyOrderElementsOf(
              checkpoint.tensors().values().stream()
                  .map(tensor -> tensor.name() + tensor.shape())
                  .toList());
      assertThat(declared)
          .filteredOn(tensor -> tensor.name().endsWith("bias"))
          .allMatch(tensor -> tensor.fill() == RandomTensor.Fill.ZEROS);
    }
  }

  /** A family without a model to compare with would be a guess. */
  @Test
  void everyFamilyHasAReference() throws IOException {
    var covered = new TreeSet<String>(List.of("gemma3"));
    for (var name : references().toList()) {
      covered.add(ModelConfig.read(folder().resolve(name).resolve("config.json")).modelType());
    }
    assertThat(covered).containsAll(ArchitectureTable.builtIn().families());
  }

  static Stream<String> shared() {
    return Stream.of(
        "stories260K",
        "stories260K-f16",
        "stories260K-bf16-sharded",
        "shakespeare-1m",
        "gpt-nano-sort",
        "random/llama3-rope",
        "random/mistral-sw",
        "random/mixtral",
        "random/qwen2",
        "random/qwen3",
        "random/gemma2",
        "random/phi3",
        "random/gpt2",
        "random/gpt_neox",
        "random/bloom",
        "random/falcon",
        "random/opt");
  }

  @ParameterizedTest
  @MethodSource("shared")
  void aSharedModelGivesItsIdsAndLogits(String name) {
    GoldenCases.check(sharedModel(name), MOST_SHARED_IDS);
  }

  static Path folder() {
    try {
      return Path.of(
          Objects.requireNonNull(ReferenceModelsTest.class.getResource("/references")).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Path sharedModel(String name) {
    Path root = Path.of("").toAbsolutePath();
    while (root != null
        && !(Files.exists(root.resolve("pom.xml")) && Files.isDirectory(root.resolve("grammar")))) {
      root = root.getParent();
    }
    Path model = root == null ? null : root.resolve("../shared/models").resolve(name).normalize();
    if (model == null || !Files.isDirectory(model)) {
      Assumptions.abort("shared/models is not here: " + model);
    }
    return model;
  }
}
