package org.fusionc.frontend.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  @TempDir private Path directory;

  private void write(String name, String text) throws IOException {
    Files.writeString(directory.resolve(name), text.replace('\'', '"'));
  }

  private void shard(String file, String... tensors) throws IOException {
    var declarations =
        List.of(tensors).stream()
            .map(name -> new TensorDeclaration(name, StoredDtype.U8, List.of(1L, 2L)))
            .toList();
    try (var writer = SafetensorsWriter.create(directory.resolve(file), declarations, Map.of())) {
      for (int i = 0; i < tensors.length; i++) {
        writer.write(tensors[i], MemorySegment.ofArray(new byte[] {(byte) i, 7}));
      }
      writer.finish();
    }
  }

  private DiagnosticException failure(Runnable action) {
    var failure = catchThrowableOfType(DiagnosticException.class, action::run);
    assertThat(failure).as("a diagnostic").isNotNull();
    assertThat(failure.failure()).isEqualTo(Failure.INVALID_INPUT);
    assertThat(failure).hasMessageContaining(directory.toString());
    assertThat(failure.diagnostics().getFirst().remedy()).isNotEmpty();
    return failure;
  }

  private DiagnosticException openFailure() {
    return failure(() -> Checkpoint.open(directory).close());
  }

  @Test
  void aConfigAloneIsEnoughToOpen() throws IOException {
    write("config.json", "{'model_type': 'llama'}");
    write("pytorch_model.bin", "");
    try (var checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.config().modelType()).isEqualTo("llama");
      assertThat(checkpoint.hasWeights()).isFalse();
      assertThat(checkpoint.tensors()).isEmpty();
      assertThat(checkpoint.tokenizer()).isEmpty();
      assertThat(checkpoint.generationConfig()).isEmpty();
      assertThat(checkpoint.tokenizerConfig()).isEmpty();
      assertThat(failure(() -> checkpoint.require("w")))
          .hasMessageContaining("no weights")
          .hasMessageContaining("pytorch_model.bin");
    }
  }

  @Test
  void oneFile() throws IOException {
    write("config.json", "{}");
    write("tokenizer.json", "{}");
    write("generation_config.json", "{'eos_token_id': [1, 2]}");
    shard("model.safetensors", "wte.weight", "wpe.weight");
    try (var checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.find("wpe.weight").orElseThrow().file()).isEqualTo("model.safetensors");
      assertThat(checkpoint.find("x")).isEmpty();
      assertThat(checkpoint.bytes("wpe.weight").toArray(ValueLayout.JAVA_BYTE))
          .containsExactly(1, 7);
      assertThat(checkpoint.require("wte.weight", List.of(1L, 2L)).length()).isEqualTo(2);
      assertThat(checkpoint.tokenizer()).contains(directory.resolve("tokenizer.json"));
      assertThat(checkpoint.generationConfig().orElseThrow().optionalIntOrInts("eos_token_id"))
          .contains(List.of(1, 2));
      assertThat(failure(() -> checkpoint.require("wte.wieght")))
          .hasMessageContaining("no tensor 'wte.wieght'")
          .hasMessageContaining("'wte.weight'");
      assertThat(failure(() -> checkpoint.require("wte.weight", List.of(2L, 1L))))
          .hasMessageContaining("tensor 'wte.weight'")
          .hasMessageContaining("[1, 2]")
          .hasMessageContaining("[2, 1]");
    }
  }

  @Test
  void shards() throws IOException {
    write("config.json", "{}");
    write(
        "model.safetensors.index.json",
        "{'weight_map': {'a': 'x.safetensors', 'b': 'y.safetensors'}}");
    shard("x.safetensors", "a");
    shard("y.safetensors", "other", "b");
    try (var checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.files().keySet()).containsExactly("x.safetensors", "y.safetensors");
      assertThat(checkpoint.require("b").file()).isEqualTo("y.safetensors");
      assertThat(checkpoint.bytes("b").toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 7);
      assertThat(checkpoint.find("other")).isPresent();
    }
  }

  @Test
  void missingShardsAreNamed() throws IOException {
    write("config.json", "{}");
    write(
        "model.safetensors.index.json",
        "{'weight_map': {'a': 'x.safetensors', 'b': 'y.safetensors'}}");
    shard("x.safetensors", "a");
    assertThat(openFailure()).hasMessageContaining("missing: y.safetensors");
  }

  @Test
  void aTensorWhereTheIndexDoesNotSay() throws IOException {
    write("config.json", "{}");
    write(
        "model.safetensors.index.json",
        "{'weight_map': {'a': 'x.safetensors', 'b': 'y.safetensors'}}");
    shard("x.safetensors", "a", "b");
    shard("y.safetensors", "c");
    assertThat(openFailure())
        .hasMessageContaining("puts it into y.safetensors, but it is in x.safetensors");
    shard("x.safetensors", "a");
    assertThat(openFailure()).hasMessageContaining("no shard has it");
    shard("y.safetensors", "a", "b");
    assertThat(openFailure()).hasMessageContaining("is in x.safetensors as well");
  }

  @Test
  void aBrokenShardIsNamed() throws IOException {
    write("config.json", "{}");
    write("model.safetensors.index.json", "{'weight_map': {'a': 'x.safetensors'}}");
    shard("x.safetensors", "a");
    byte[] bytes = Files.readAllBytes(directory.resolve("x.safetensors"));
    Files.write(
        directory.resolve("x.safetensors"), java.util.Arrays.copyOf(bytes, bytes.length - 1));
    assertThat(openFailure())
        .hasMessageContaining("x.safetensors")
        .hasMessageContaining("truncated");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{'weight_map': {}}",
        "{'weight_map': ['a']}",
        "{'weight_map': {'a': 1}}",
        "{'weight_map': {'a': '../x.safetensors'}}",
        "{'weight_map': {'a': '/etc/passwd'}}",
        "{'weight_map': {'a': 'x.bin'}}",
        "{'weight_map': "
      })
  void brokenIndexes(String index) throws IOException {
    write("config.json", "{}");
    write("model.safetensors.index.json", index);
    assertThat(openFailure()).hasMessageContaining("model.safetensors.index.json");
  }

  @Test
  void shardsWithoutAnIndexAreNotTakenForAnEmptyDirectory() throws IOException {
    write("config.json", "{}");
    shard("model-00001-of-00002.safetensors", "a");
    assertThat(openFailure()).hasMessageContaining("no model.safetensors.index.json");
  }

  @Test
  void whatIsNoModelDirectory() throws IOException {
    assertThat(openFailure()).hasMessageContaining("config.json");
    assertThat(failure(() -> Checkpoint.open(directory.resolve("no"))))
        .hasMessageContaining("no such directory");
    write("file", "");
    assertThat(failure(() -> Checkpoint.open(directory.resolve("file"))))
        .hasMessageContaining("not a directory");
  }

  @ParameterizedTest
  @ValueSource(strings = {"stories260K", "stories260K-f16", "stories260K-bf16-sharded"})
  void realCheckpoints(String name) {
    try (var checkpoint = Checkpoint.open(sharedModel(name))) {
      assertThat(checkpoint.tensors()).hasSize(47);
      assertThat(checkpoint.require("model.embed_tokens.weight", List.of(512L, 64L)).dtype())
          .isIn(StoredDtype.F32, StoredDtype.F16, StoredDtype.BF16);
      assertThat(checkpoint.tokenizer()).isPresent();
      assertThat(checkpoint.config().modelType()).isEqualTo("llama");
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
