package org.fusionc.testsuite.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes a real, if small-minded, model: after each token it is certain of the next. So a test can
 * have it say what no random model would, such as a call of a tool.
 */
final class ScriptedModel {
  private static final String TEMPLATE =
      """
      {%- if "tools only" in messages[0].content and not tools -%}
      {{ raise_exception("there are no tools") }}
      {%- endif -%}
      {%- for message in messages -%}
      <|{{ message.role }}|>{{ message.content }}
      {%- endfor -%}
      {%- if tools -%}<|tools|>{%- else -%}<|assistant|>{%- endif -%}
      """;

  private static final int HIDDEN = 64;
  private static final String END = "<|end|>";

  private final List<String> pieces = new ArrayList<>(List.of("<unk>", END));
  private final Map<Integer, Integer> next = new LinkedHashMap<>();

  /** After this text the model says these pieces, each as a token, and ends. */
  ScriptedModel says(String after, String... script) {
    int at = id(after);
    for (var piece : script) {
      int to = id(piece);
      next.put(at, to);
      at = to;
    }
    next.put(at, 1);
    return this;
  }

  private int id(String piece) {
    int at = pieces.indexOf(piece);
    if (at < 0) {
      at = pieces.size();
      pieces.add(piece);
    }
    return at;
  }

  /** A model that calls a tool if it has been told of one, and else greets. */
  static Path write(Path directory) {
    return new ScriptedModel()
        .says("<|assistant|>", "Hello", ",", " wor", "ld", "!")
        .says(
            "<|tools|>",
            "Let me see.",
            "\n<tool",
            "_call>",
            "{\"name\": \"get_weather\", ",
            "\"arguments\": {\"city\": ",
            "\"Paris\"}}",
            "\n</tool_call>")
        .writeTo(directory);
  }

  Path writeTo(Path directory) {
    try {
      Files.createDirectories(directory);
      var config = new LinkedHashMap<String, Object>();
      config.put("architectures", List.of("LlamaForCausalLM"));
      config.put("model_type", "llama");
      config.put("hidden_size", HIDDEN);
      config.put("intermediate_size", 32);
      config.put("num_hidden_layers", 1);
      config.put("num_attention_heads", 2);
      config.put("num_key_value_heads", 2);
      config.put("head_dim", 32);
      config.put("hidden_act", "silu");
      config.put("max_position_embeddings", 256);
      config.put("rms_norm_eps", 1e-6);
      config.put("rope_theta", 10000.0);
      config.put("tie_word_embeddings", false);
      config.put("attention_bias", false);
      config.put("mlp_bias", false);
      config.put("vocab_size", HIDDEN);
      config.put("bos_token_id", 0);
      config.put("eos_token_id", 1);
      config.put("torch_dtype", "float32");
      json(directory, "config.json", config);
      json(directory, "generation_config.json", Map.of("eos_token_id", 1));
      json(directory, "tokenizer_config.json", Map.of("chat_template", TEMPLATE));
      json(directory, "tokenizer.json", tokenizer());
      Files.write(directory.resolve("model.safetensors"), weights());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return directory;
  }

  private static void json(Path directory, String file, Object value) throws IOException {
    Files.writeString(directory.resolve(file), new JsonMapper().writeValueAsString(value));
  }

  private Object tokenizer() {
    var added = new ArrayList<Object>();
    var vocabulary = new LinkedHashMap<String, Object>();
    for (int i = 0; i < pieces.size(); i++) {
      var piece = pieces.get(i);
      vocabulary.put(piece, i);
      var token = new LinkedHashMap<String, Object>();
      token.put("id", i);
      token.put("content", piece);
      for (var flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
        token.put(flag, false);
      }
      token.put("special", piece.startsWith("<|") || i == 0);
      added.add(token);
    }
    var model = new LinkedHashMap<String, Object>();
    model.put("type", "WordLevel");
    model.put("vocab", vocabulary);
    model.put("unk_token", "<unk>");
    var tokenizer = new LinkedHashMap<String, Object>();
    tokenizer.put("version", "1.0");
    tokenizer.put("truncation", null);
    tokenizer.put("padding", null);
    tokenizer.put("added_tokens", added);
    tokenizer.put("normalizer", null);
    tokenizer.put("pre_tokenizer", null);
    tokenizer.put("post_processor", null);
    tokenizer.put("decoder", Map.of("type", "Fuse"));
    tokenizer.put("model", model);
    return tokenizer;
  }

  private byte[] weights() {
    var tensors = new LinkedHashMap<String, float[]>();
    var shapes = new LinkedHashMap<String, List<Integer>>();
    var embedding = new float[HIDDEN * HIDDEN];
    var head = new float[HIDDEN * HIDDEN];
    for (int i = 0; i < HIDDEN; i++) {
      embedding[i * HIDDEN + i] = 1;
      head[next.getOrDefault(i, 1) * HIDDEN + i] = 10;
    }
    put(tensors, shapes, "model.embed_tokens.weight", embedding, HIDDEN, HIDDEN);
    put(tensors, shapes, "lm_head.weight", head, HIDDEN, HIDDEN);
    put(tensors, shapes, "model.norm.weight", ones(), HIDDEN);
    var layer = "model.layers.0.";
    put(tensors, shapes, layer + "input_layernorm.weight", ones(), HIDDEN);
    put(tensors, shapes, layer + "post_attention_layernorm.weight", ones(), HIDDEN);
    for (var name : List.of("q_proj", "k_proj", "v_proj", "o_proj")) {
      var key = layer + "self_attn." + name + ".weight";
      put(tensors, shapes, key, new float[HIDDEN * HIDDEN], HIDDEN, HIDDEN);
    }
    put(tensors, shapes, layer + "mlp.gate_proj.weight", new float[32 * HIDDEN], 32, HIDDEN);
    put(tensors, shapes, layer + "mlp.up_proj.weight", new float[32 * HIDDEN], 32, HIDDEN);
    put(tensors, shapes, layer + "mlp.down_proj.weight", new float[32 * HIDDEN], HIDDEN, 32);
    var header = new LinkedHashMap<String, Object>();
    int at = 0;
    for (var entry : tensors.entrySet()) {
      int end = at + 4 * entry.getValue().length;
      header.put(
          entry.getKey(),
          Map.of(
              "dtype",
              "F32",
              "shape",
              shapes.get(entry.getKey()),
              "data_offsets",
              List.of(at, end)));
      at = end;
    }
    var text = new StringBuilder(new JsonMapper().writeValueAsString(header));
    while (text.length() % 8 != 0) {
      text.append(' ');
    }
    var head8 = text.toString().getBytes(StandardCharsets.UTF_8);
    var file = ByteBuffer.allocate(8 + head8.length + at).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(head8.length).put(head8);
    tensors
        .values()
        .forEach(values -> {
          for (float value : values) {
            file.putFloat(value);
          }
        });
    return file.array();
  }

  private static void put(
      Map<String, float[]> tensors,
      Map<String, List<Integer>> shapes,
      String name,
      float[] values,
      Integer... shape) {
    tensors.put(name, values);
    shapes.put(name, List.of(shape));
  }

  private static float[] ones() {
    var ones = new float[HIDDEN];
    java.util.Arrays.fill(ones, 1);
    return ones;
  }
}
