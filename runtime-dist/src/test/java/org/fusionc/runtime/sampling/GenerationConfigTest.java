package org.fusionc.runtime.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.runtime.SharedFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerationConfigTest {
  @Test
  void listsOfEndsAndSamplingAreRead() {
    var config =
        GenerationConfig.parse(
            "g.json",
            """
            {"bos_token_id": 128000, "eos_token_id": [128001, 128009], "pad_token_id": null,
             "do_sample": true, "temperature": 0.6, "top_p": 0.9, "min_p": 0.05,
             "repetition_penalty": 1.1}
            """);
    assertThat(config.endOfText()).containsExactlyInAnyOrder(128001, 128009);
    assertThat(config.beginningOfText()).hasValue(128000);
    assertThat(config.padding()).isEmpty();
    assertThat(config.recommended()).isEqualTo(new SamplingOptions(0.6f, 50, 0.9f, 0.05f, 1.1f, 0));
    assertThat(config.ignored()).isEmpty();
  }

  @Test
  void withoutDoSampleItIsGreedy() {
    var config = GenerationConfig.parse("g", "{\"temperature\": 0.6, \"eos_token_id\": 2}");
    assertThat(config.recommended()).isEqualTo(SamplingOptions.greedy());
    assertThat(config.endOfText()).containsExactly(2);
  }

  @Test
  void whatIsNotSupportedIsNamed() {
    var config =
        GenerationConfig.parse(
            "g", "{\"num_beams\": 4, \"typical_p\": 1.0, \"suppress_tokens\": [1], \"x\": 3}");
    assertThat(config.ignored()).containsExactly("num_beams", "suppress_tokens");
  }

  @Test
  void configJsonFillsIn(@TempDir Path directory) throws Exception {
    assertThat(GenerationConfig.read(directory)).isEqualTo(GenerationConfig.none());
    Files.writeString(
        directory.resolve("config.json"), "{\"eos_token_id\": 3, \"bos_token_id\": 1}");
    assertThat(GenerationConfig.read(directory).endOfText()).containsExactly(3);
    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [4, -1]}");
    var config = GenerationConfig.read(directory);
    assertThat(config.endOfText()).containsExactly(4);
    assertThat(config.beginningOfText()).isEqualTo(OptionalInt.of(1));
  }

  @Test
  void sharedModel() {
    var config = GenerationConfig.read(SharedFiles.find("models/stories260K"));
    assertThat(config.endOfText()).containsExactlyInAnyOrder(1, 2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[]",
        "{\"eos_token_id\": \"x\"}",
        "{\"eos_token_id\": [1, \"x\"]}",
        "{\"do_sample\": true, \"temperature\": -1}",
        "{\"do_sample\": true, \"top_p\": \"high\"}",
        "{\"repetition_penalty\": 0}"
      })
  void brokenFilesAreDiagnosticsThatNameTheFile(String json) {
    assertThatThrownBy(() -> GenerationConfig.parse("some/generation_config.json", json))
        .isInstanceOfSatisfying(
            DiagnosticException.class,
            e -> assertThat(e.failure()).isEqualTo(Failure.INVALID_INPUT))
        .hasMessageContaining("some/generation_config.json");
  }
}
