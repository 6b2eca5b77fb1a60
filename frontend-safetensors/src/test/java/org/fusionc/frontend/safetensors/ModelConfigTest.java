package org.fusionc.frontend.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelConfigTest {
  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("config.json");
  }

  private ModelConfig config(String json) {
    try {
      Files.writeString(file, json.replace('\'', '"'));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return ModelConfig.read(file);
  }

  private DiagnosticException failure(Runnable action) {
    var failure = catchThrowableOfType(DiagnosticException.class, action::run);
    assertThat(failure).as("a diagnostic").isNotNull();
    assertThat(failure.failure()).isEqualTo(Failure.INVALID_INPUT);
    assertThat(failure).hasMessageContaining(file.toString());
    assertThat(failure.diagnostics().getFirst().remedy()).isNotEmpty();
    return failure;
  }

  @Test
  void readsTypedFieldsUnderAnyOfTheirNames() {
    ModelConfig config =
        config(
            """
            {'model_type': 'gpt2', 'n_embd': 64, 'rms_norm_eps': 1e-05, 'max': 4096.0, 'rope_theta': 10000,
             'tie_word_embeddings': true, 'layer_types': ['a', 'b'], 'eos_token_id': 2, 'head_dim': null,
             'ids': [1, 2], 'nested': {'x': 1}, 'never': NaN}
            """);
    assertThat(config.modelType()).isEqualTo("gpt2");
    assertThat(config.requiredPositiveInt("hidden_size", "n_embd")).isEqualTo(64);
    assertThat(config.requiredInt("max")).isEqualTo(4096);
    assertThat(config.requiredDouble("rms_norm_eps")).isEqualTo(1e-5);
    assertThat(config.requiredPositiveDouble("rope_theta")).isEqualTo(10000.0);
    assertThat(config.requiredBoolean("tie_word_embeddings")).isTrue();
    assertThat(config.optionalStrings("layer_types")).contains(List.of("a", "b"));
    assertThat(config.optionalInts("ids")).contains(List.of(1, 2));
    assertThat(config.endOfTextIds()).containsExactly(2);
    assertThat(config.optionalInt("head_dim")).isEmpty();
    assertThat(config.has("head_dim")).isFalse();
    assertThat(config.requiredObject("nested").requiredInt("x")).isEqualTo(1);
    assertThat(config.initializerRange()).isEqualTo(0.02);
    assertThat(config.architectures()).isEmpty();
    assertThat(config.isNested()).isFalse();
  }

  @Test
  void endOfTextMayBeSeveralTokens() {
    assertThat(config("{'eos_token_id': [1, 106]}").endOfTextIds()).containsExactly(1, 106);
  }

  @Test
  void missingFieldNamesTheNearestOne() {
    ModelConfig config = config("{'hiden_size': 64, 'vocab_size': null}");
    assertThat(failure(() -> config.requiredInt("hidden_size", "n_embd")))
        .hasMessageContaining("'hidden_size' (or 'n_embd') is missing")
        .hasMessageContaining("'hiden_size' a misspelling");
    assertThat(failure(() -> config.requiredInt("vocab_size")))
        .hasMessageContaining("'vocab_size' is null");
  }

  @Test
  void nonsenseIsRefusedWithWhatWasFound() {
    ModelConfig config =
        config(
            """
            {'string': '64', 'zero': 0, 'half': 0.5, 'big': 1e300, 'huge': %s, 'nan': NaN, 'list': [1, 'x'],
             'boolean': 1, 'nested': {'negative': -1}}
            """
                .formatted("9".repeat(500)));
    assertThat(failure(() -> config.requiredInt("string")))
        .hasMessageContaining("'string' must be an integer of 32 bits, and is \"64\"");
    assertThat(failure(() -> config.requiredPositiveInt("zero")))
        .hasMessageContaining("'zero' must be a positive integer")
        .hasMessageContaining("and is 0");
    failure(() -> config.optionalInt("half"));
    failure(() -> config.optionalInt("big"));
    failure(() -> config.optionalInt("huge"));
    failure(() -> config.optionalDouble("huge"));
    failure(() -> config.optionalDouble("nan"));
    failure(() -> config.optionalInts("list"));
    failure(() -> config.optionalBoolean("boolean"));
    failure(() -> config.optionalObject("list"));
    assertThat(failure(() -> config.requiredObject("nested").requiredPositiveInt("negative")))
        .hasMessageContaining("'nested.negative'")
        .hasMessageContaining("-1");
    assertThat(config.invalid("half", "is odd", "make it even"))
        .hasMessageContaining("half = 0.5 is odd; make it even");
  }

  @Test
  void brokenFilesAreDiagnosed() throws IOException {
    assertThat(failure(() -> ModelConfig.read(file))).hasMessageContaining("no such file");
    assertThat(failure(() -> config("{'a': 1,\n 'b': }"))).hasMessageContaining("config.json:2:");
    assertThat(failure(() -> config("{'a': 1, 'a': 2}"))).hasMessageContaining("uplicate");
    assertThat(failure(() -> config("[1]"))).hasMessageContaining("one JSON object");
    assertThat(failure(() -> config(""))).hasMessageContaining("nothing");
    failure(() -> config("{} {}"));
    failure(() -> config("{'a': " + "[".repeat(100_000)));
    Files.write(file, "{\"a\": \"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1));
    failure(() -> ModelConfig.read(file));
    Files.delete(file);
    Files.createDirectory(file);
    assertThat(failure(() -> ModelConfig.read(file))).hasMessageContaining("cannot be read");
  }

  @Test
  void textConfigOfAMultimodalModelIsTheModel() {
    ModelConfig config =
        config(
            """
            {'architectures': ['Gemma3ForConditionalGeneration'], 'model_type': 'gemma3', 'eos_token_id': [1, 106],
             'hidden_size': 7, 'torch_dtype': 'bfloat16', 'text_config': {'model_type': 'gemma3_text', 'hidden_size': 2560}}
            """);
    assertThat(config.isNested()).isTrue();
    assertThat(config.modelType()).isEqualTo("gemma3_text");
    assertThat(config.outerModelType()).contains("gemma3");
    assertThat(config.architectures()).containsExactly("Gemma3ForConditionalGeneration");
    assertThat(config.requiredInt("hidden_size")).isEqualTo(2560);
    assertThat(config.endOfTextIds()).containsExactly(1, 106);
    assertThat(config.dtype()).contains("bfloat16");
    assertThat(failure(() -> config.requiredInt("head_dim")))
        .hasMessageContaining("'text_config.head_dim'");
  }

  @Test
  void whatBelongsToOtherModalitiesIsNotInherited() {
    ModelConfig config = config("{'vocab_size': 7, 'text_config': {'model_type': 'x'}}");
    assertThat(config.optionalInt("vocab_size")).isEmpty();
  }

  @Test
  void unknownFamilyIsADiagnostic() {
    assertThatThrownBy(() -> config("{}").modelType()).isInstanceOf(DiagnosticException.class);
  }
}
