package org.fusionc.frontend.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RopeParametersTest {
  @TempDir private Path directory;

  private ModelConfig config(String json) {
    Path file = directory.resolve("config.json");
    try {
      Files.writeString(file, json.replace('\'', '"'));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return ModelConfig.read(file);
  }

  private RopeParameters rope(String json) {
    return config(json).rope(10_000);
  }

  @Test
  void bothGenerationsSayTheSame() {
    var expected = new RopeParameters(500_000, 1, new RopeScaling.Llama3(8, 1, 4, 8192));
    String scaling =
        "'factor': 8.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0,"
            + " 'original_max_position_embeddings': 8192";
    assertThat(
            rope(
                "{'rope_theta': 500000.0, 'rope_scaling': {'rope_type': 'llama3', "
                    + scaling
                    + "}}"))
        .isEqualTo(expected);
    assertThat(
            rope(
                "{'rope_parameters': {'rope_theta': 500000.0, 'rope_type': 'llama3', "
                    + scaling
                    + "}}"))
        .isEqualTo(expected);
    assertThat(
            rope(
                "{'rope_theta': 500000, 'rope_parameters': {'rope_type': 'llama3', "
                    + scaling
                    + "}}"))
        .as("a newer section without its theta")
        .isEqualTo(expected);
  }

  @Test
  void absentOrNullScalingIsNone() {
    var plain = new RopeParameters(10_000, 1, new RopeScaling.None());
    assertThat(rope("{}")).isEqualTo(plain);
    assertThat(rope("{'rope_theta': 10000.0, 'rope_scaling': null}")).isEqualTo(plain);
    assertThat(rope("{'rope_parameters': {'rope_theta': 10000.0, 'rope_type': 'default'}}"))
        .isEqualTo(plain);
  }

  @Test
  void partialRotaryUnderEachOfItsNames() {
    assertThat(rope("{'rotary_pct': 0.25, 'rotary_emb_base': 5000}"))
        .isEqualTo(new RopeParameters(5000, 0.25, new RopeScaling.None()));
    assertThat(rope("{'partial_rotary_factor': 0.5}").partialRotaryFactor()).isEqualTo(0.5);
    assertThat(
            rope("{'rope_parameters': {'partial_rotary_factor': 0.4, 'rope_theta': 1.0}}")
                .partialRotaryFactor())
        .isEqualTo(0.4);
    assertThatThrownBy(() -> rope("{'partial_rotary_factor': 2}"))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("more than the whole head");
  }

  @Test
  void gemma3OfBothGenerations() {
    var global = new RopeParameters(1_000_000, 1, new RopeScaling.Linear(8));
    var local = new RopeParameters(10_000, 1, new RopeScaling.None());
    ModelConfig older =
        config(
            """
            {'text_config': {'rope_theta': 1000000.0, 'rope_local_base_freq': 10000.0,
             'rope_scaling': {'rope_type': 'linear', 'factor': 8.0}}}
            """);
    assertThat(older.rope(1)).isEqualTo(global);
    assertThat(older.localRope(1)).isEqualTo(local);
    ModelConfig newer =
        config(
            """
            {'rope_parameters': {'full_attention': {'rope_type': 'linear', 'factor': 8.0, 'rope_theta': 1000000.0},
             'sliding_attention': {'rope_type': 'default', 'rope_theta': 10000.0}}}
            """);
    assertThat(newer.rope(1)).isEqualTo(global);
    assertThat(newer.localRope(1)).isEqualTo(local);
    ModelConfig bare = config("{'rope_scaling': {'rope_type': 'linear', 'factor': 8.0}}");
    assertThat(bare.rope(1_000_000)).isEqualTo(global);
    assertThat(bare.localRope(10_000)).isEqualTo(local);
  }

  @Test
  void aMissingLayerTypeIsADiagnostic() {
    ModelConfig config =
        config("{'rope_parameters': {'full_attention': {'rope_theta': 1000000.0}}}");
    assertThatThrownBy(() -> config.localRope(10_000))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("rope_parameters.sliding_attention");
  }

  @Test
  void yarnResolvesItsDefaults() {
    var yarn =
        (RopeScaling.Yarn)
            rope("""
            {'max_position_embeddings': 40960, 'rope_scaling':
             {'type': 'yarn', 'factor': 4.0, 'original_max_position_embeddings': 32768}}
            """)
                .scaling();
    assertThat(yarn.factor()).isEqualTo(4);
    assertThat(yarn.originalContext()).isEqualTo(32768);
    assertThat(yarn.attentionFactor()).isCloseTo(0.1 * Math.log(4) + 1, within(1e-12));
    assertThat(yarn.betaFast()).isEqualTo(32);
    assertThat(yarn.betaSlow()).isEqualTo(1);
    assertThat(yarn.truncate()).isTrue();
    assertThat(yarn.mscaleAllDim()).isEmpty();
  }

  @Test
  void yarnAsDeepSeekWritesIt() {
    var yarn =
        (RopeScaling.Yarn)
            rope("""
            {'max_position_embeddings': 163840, 'rope_scaling': {'type': 'yarn', 'factor': 40,
             'mscale': 1.0, 'mscale_all_dim': 1.0, 'beta_fast': 32, 'beta_slow': 1, 'truncate': false,
             'original_max_position_embeddings': 4096}}
            """)
                .scaling();
    assertThat(yarn.attentionFactor()).isEqualTo(1.0);
    assertThat(yarn.mscaleAllDim()).hasValue(1.0);
    assertThat(yarn.truncate()).isFalse();
  }

  @Test
  void longRopeTakesItsFactorFromTheContexts() {
    var scaling =
        (RopeScaling.LongRope)
            rope("""
            {'max_position_embeddings': 131072, 'original_max_position_embeddings': 4096,
             'rope_scaling': {'type': 'su', 'short_factor': [1, 1.5], 'long_factor': [2, 3.5]}}
            """)
                .scaling();
    assertThat(scaling.shortFactors()).isEqualTo(List.of(1.0, 1.5));
    assertThat(scaling.originalContext()).isEqualTo(4096);
    assertThat(scaling.attentionFactor())
        .isCloseTo(Math.sqrt(1 + Math.log(32) / Math.log(4096)), within(1e-12));
  }

  @Test
  void dynamicKeepsTheOriginalContext() {
    assertThat(
            rope("{'max_position_embeddings': 2048, 'rope_scaling': {'type': 'dynamic', 'factor':"
                    + " 2}}")
                .scaling())
        .isEqualTo(new RopeScaling.Dynamic(2, 2048));
  }

  @Test
  void nonsenseIsADiagnostic() {
    assertThatThrownBy(() -> rope("{'rope_scaling': {'rope_type': 'lama3'}}"))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("rope_scaling.rope_type")
        .hasMessageContaining("did you mean 'llama3'?");
    assertThatThrownBy(() -> rope("{'rope_scaling': {'type': 'linear'}}"))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("'rope_scaling.factor' is missing");
    assertThatThrownBy(() -> rope("{'rope_theta': -1}")).isInstanceOf(DiagnosticException.class);
    assertThatThrownBy(() ->
            rope(
                """
                {'rope_scaling': {'type': 'llama3', 'factor': 8, 'low_freq_factor': 4, 'high_freq_factor': 1,
                 'original_max_position_embeddings': 8192}}
                """))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("must be less than high_freq_factor");
    assertThatThrownBy(() ->
            rope(
                """
                {'max_position_embeddings': 8, 'rope_scaling': {'type': 'longrope', 'short_factor': [1],
                 'long_factor': [1, 2]}}
                """))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("short_factor");
  }
}
