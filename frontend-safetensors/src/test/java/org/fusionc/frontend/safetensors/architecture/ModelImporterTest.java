package org.fusionc.frontend.safetensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.fusionc.frontend.safetensors.Checkpoint;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class ModelImporterTest {
  private static final String LLAMA =
      """
      {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
       "num_key_value_heads": 2, "intermediate_size": 40, "vocab_size": 64,
       "max_position_embeddings": 48, "rms_norm_eps": 1e-5, "torch_dtype": "bfloat16"}
      """;

  @TempDir Path folder;

  @Test
  void aConfigAloneIsImported() throws IOException {
    var module = importConfig(LLAMA, config -> {});
    assertThat(module.dims())
        .containsEntry("T", new Module.Bounds(1, 48))
        .containsEntry("S", new Module.Bounds(0, 48));
    var q = Objects.requireNonNull(module.weights().get("layers.1.attn.q"));
    assertThat(q.type()).hasToString("bf16[32, 32]");
    assertThat(q.source())
        .isEqualTo(
            new WeightSource.File("model.safetensors", "model.layers.1.self_attn.q_proj.weight"));
    var decode = module.function("decode");
    assertThat(decode.params()).hasSize(4);
    assertThat(decode.results().getFirst().type()).hasToString("f32[S, 64]");
    assertThat(decode.notes().names().values())
        .contains("ids", "at", "kv.0", "kv.1.next", "layers.0.attn.out", "layers.1.out", "logits");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "num_hidden_layers | null | 'num_hidden_layers'",
        "hidden_size | -32 | hidden_size = -32",
        "num_attention_heads | 5 | num_attention_heads = 5",
        "num_attention_heads | 0 | num_attention_heads",
        "num_key_value_heads | 3 | does not divide the number of heads (4)",
        "num_hidden_layers | 2.5 | num_hidden_layers = 2.5 must be a positive whole number",
        "num_hidden_layers | \"two\" | num_hidden_layers = \"two\" must be a positive whole number",
        "hidden_act | \"silo\" | the field hidden_act = \"silo\" is not supported; did you mean"
            + " 'silu'?",
        "attention_bias | \"no\" | attention_bias = \"no\" must be true or false",
        "rope_scaling | {\"rope_type\": \"spiral\", \"factor\": 2} | spiral",
        "torch_dtype | \"int3\" | int3",
        "layer_types | [\"full_attention\"] | has 1 elements for 2 layers",
        "layer_types | [\"linear_attention\", \"full_attention\"] | 'linear_attention'",
        "model_type | \"lama\" | the nearest known is 'llama'",
      })
  void aFieldThatMakesNoSenseIsNamed(String field, String json, String expected) {
    assertThatThrownBy(() -> importConfig(LLAMA, config -> set(config, field, json)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(expected);
  }

  @Test
  void experts() {
    var fields =
        LLAMA.replace(
            "\"llama\"", "\"mixtral\", \"num_local_experts\": 4, \"num_experts_per_tok\": 5");
    assertThatThrownBy(() -> importConfig(fields, config -> {}))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("num_experts_per_tok = 5 is more than the number of experts (4)");
  }

  @Test
  void whatAFamilyCannotDoIsSaid() {
    assertThatThrownBy(() ->
            importConfig(
                LLAMA.replace("\"llama\"", "\"gemma\""),
                config -> config.put("use_bidirectional_attention", true)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("use_bidirectional_attention");
  }

  @Test
  void aTensorOfTheWrongShapeIsNamed() throws IOException {
    var model = copyOf("cohere");
    edit(model, config -> config.put("intermediate_size", 41));
    assertThatThrownBy(() -> importModel(model))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("model.layers.0.mlp.gate_proj.weight")
        .hasMessageContaining("[40, 32]")
        .hasMessageContaining("[41, 32]");
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    var model = copyOf("cohere");
    edit(model, config -> config.put("num_hidden_layers", 3));
    assertThatThrownBy(() -> importModel(model))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("no tensor 'model.layers.2.input_layernorm.weight'");
  }

  @Test
  void aBiasThatTheConfigDeniesIsNotForgotten() throws IOException {
    var model = copyOf("olmo2");
    edit(model, config -> config.put("attention_bias", false));
    assertThatThrownBy(() -> importModel(model))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("q_proj.bias");
  }

  @Test
  void quantisedWeightsAreRefused() throws IOException {
    var model = copyOf("olmo2");
    edit(
        model,
        config -> set(config, "quantization_config", "{\"quant_method\": \"gptq\", \"bits\": 4}"));
    assertThatThrownBy(() -> importModel(model))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("'gptq'");
  }

  /** Both generations of fields describe the same model. */
  @Test
  void theOlderFieldsGiveTheSameModule() throws IOException {
    for (var name : List.of("llama-yarn", "phi3-long", "stablelm-qk-norm", "deepseek_v3")) {
      var model = copyOf(name);
      var newer = importModel(model);
      edit(
          model,
          config -> {
            var rope = (ObjectNode) config.remove("rope_parameters");
            config.set("rope_theta", rope.remove("rope_theta"));
            if (rope.has("partial_rotary_factor")) {
              config.set("partial_rotary_factor", rope.remove("partial_rotary_factor"));
            }
            var type = rope.remove("rope_type");
            rope.set("type", type);
            config.set("rope_scaling", type.stringValue().equals("default") ? null : rope);
          });
      assertThat(importModel(model)).as(name).matches(newer::sameAs);
    }
  }

  private Module importConfig(String fields, Consumer<ObjectNode> change) throws IOException {
    var model = Files.createDirectories(folder.resolve("config-only"));
    Files.writeString(model.resolve("config.json"), fields);
    edit(model, change);
    return importModel(model);
  }

  /** In one graph, so that equal functions have equal values. */
  private final Graph graph = new Graph();

  private Module importModel(Path model) {
    try (var checkpoint = Checkpoint.open(model)) {
      return new ModelImporter().importModel(checkpoint, graph);
    }
  }

  private Path copyOf(String reference) throws IOException {
    var target = Files.createDirectories(folder.resolve(reference));
    for (var file : List.of("config.json", "model.safetensors")) {
      Files.copy(
          ReferenceModelsTest.folder().resolve(reference).resolve(file), target.resolve(file));
    }
    return target;
  }

  private static void set(ObjectNode config, String field, String json) {
    config.set(field, JsonMapper.shared().readTree(json));
  }

  private static void edit(Path model, Consumer<ObjectNode> change) throws IOException {
    var file = model.resolve("config.json");
    var config = (ObjectNode) JsonMapper.shared().readTree(file.toFile());
    change.accept(config);
    Files.writeString(file, config.toString());
  }
}
