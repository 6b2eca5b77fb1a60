package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.cli.Main;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** A model whose gate and up projections are of whole panels, so that one kernel does both. */
class GatedModelTest {
  private static final String CONFIG =
      """
      {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float32",
        "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 128,
        "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": false, "hidden_act": "silu"
      }
      """;

  @TempDir Path temp = Path.of("");
  private String model = "";

  @BeforeEach
  void makeTheModel() throws IOException {
    var config = Files.writeString(temp.resolve("config.json"), CONFIG);
    model = temp.resolve("model").toString();
    run("init", "--config", config.toString(), "-o", model);
  }

  @Test
  void generatesTheSameInEveryTierWhereverItWasCompiled() {
    var expected = ids(model, "--backend", "interp");
    for (var compiler : tiers()) {
      assertThat(ids(model, "--cpu-tier", compiler)).as(compiler).isEqualTo(expected);
      var artifact = temp.resolve("artifact-" + compiler).toString();
      run("compile", model, "--cpu-tier", compiler, "-o", artifact);
      for (var runner : tiers()) {
        assertThat(ids(artifact, "--cpu-tier", runner))
            .as("compiled for %s, run in %s", compiler, runner)
            .isEqualTo(expected);
      }
      assertThat(ids(artifact, "--backend", "interp")).isEqualTo(expected);
    }
  }

  @Test
  void artifactsDoNotDependOnTheTier() {
    var digests = new ArrayList<String>();
    for (var tier : tiers()) {
      var artifact = temp.resolve("digest-" + tier).toString();
      var out = run("compile", model, "--quantize", "q4", "--cpu-tier", tier, "-o", artifact);
      digests.add(out.substring(out.lastIndexOf("sha256:")).strip());
    }
    assertThat(digests.stream().distinct()).hasSize(1);
  }

  @Test
  void explainNamesTheKernel() {
    for (var tier : tiers()) {
      assertThat(run("explain", model, "--cpu-tier", tier, "--quantize", "q4"))
          .contains(
              tier.equals("vector") ? "gemm_q4<32> + packed_glu" : "gemm_glu_q4<32> [" + tier);
    }
  }

  /** The tiers that change no golden token and run here. */
  private static List<String> tiers() {
    return Arrays.stream(Tier.values())
        .filter(tier -> tier != Tier.AVX512_BF16 && tier.isHere())
        .map(Tier::toString)
        .toList();
  }

  private static String ids(String model, String... options) {
    var arguments = new ArrayList<>(List.of("run", model, "--json", "--max-tokens", "24"));
    arguments.addAll(List.of("--prompt-ids", "5,77,31,8,100,2,64,9,11"));
    arguments.addAll(List.of(options));
    var out = run(arguments.toArray(String[]::new));
    return new JsonMapper().readTree(out).get("ids").toString();
  }

  private static String run(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
    assertThat(code).as(err.toString()).isZero();
    return out.toString();
  }
}
