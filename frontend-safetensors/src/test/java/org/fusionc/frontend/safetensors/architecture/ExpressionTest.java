package org.fusionc.frontend.safetensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.fusionc.frontend.safetensors.ModelConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExpressionTest {
  @TempDir Path folder;
  private ModelConfig config;

  @BeforeEach
  void writeConfig() throws IOException {
    var file = folder.resolve("config.json");
    Files.writeString(
        file,
        """
        {"model_type": "test", "hidden_size": 64, "heads": 4, "none": null, "act": "silu",
         "flag": true, "types": ["a", "b", "a"], "rope": {"theta": 5e5}}
        """);
    config = ModelConfig.read(file);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 + 2 * 3 | 7",
        "(1 + 2) * 3 | 9",
        "10 - 4 - 3 | 3",
        "-2 * 3 | -6",
        "1e-6 | 1.0E-6",
        "7 % 4 | 3",
        "config.hidden_size / config.heads | 16",
        "1 / sqrt(config.hidden_size) | 0.125",
        "floor(2.9) | 2",
        "config.none ?? 3 | 3",
        "config.missing ?? config.none ?? 5 | 5",
        "config.rope.theta ?? 1 | 500000",
        "config.rope.missing ?? 1 | 1",
        "config.act.missing ?? 1 | 1",
        "config.missing.deeper ?? 1 | 1",
        "config.none == null | true",
        "config.heads == null | false",
        "config.act == \"silu\" | true",
        "config.act in [\"gelu\", \"silu\"] | true",
        "3 in [1, 2] | false",
        "config.types[layer] == \"b\" | true",
        "config.types[0] == \"b\" | false",
        "not config.flag or config.heads > 3 | true",
        "true and not false | true",
        "if config.flag then 1 else 2 | 1",
        "if config.missing then 1 else if layer == 1 then 2 else 3 | 2",
        "stated(config.none) | true",
        "stated(config.missing) | false",
        "twice * 2 | 4",
      })
  void evaluates(String text, String expected) {
    assertThat(evaluate(text).toString()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 + | expected a value, found the end",
        "1 2 | expected the end, found '2'",
        "if 1 then 2 | expected 'else', found the end",
        "[1, 2 | expected ',', found the end",
        "a ? b | cannot read",
        "and 1 | expected a value, found 'and'",
      })
  void saysWhatItExpected(String text, String message) {
    assertThatThrownBy(() -> ExpressionParser.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(text);
  }

  @Test
  void aMissingFieldInArithmeticIsNamed() {
    assertThatThrownBy(() -> evaluate("config.missing * 2")).hasMessageContaining("'missing'");
  }

  private Datum evaluate(String text) {
    var two = new Architecture.Feature("2", ExpressionParser.parse("2"));
    var row = new Architecture("row", "", List.of(), "", Map.of("twice", two), Map.of());
    return new Evaluator(row, config, 1).evaluate(ExpressionParser.parse(text));
  }
}
