package org.fusionc.runtime.text;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.fusionc.frontend.safetensors.JsonReason;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What stands beside a tokenizer: the names of its special tokens and the chat templates.
 *
 * @param specialTokens the text of each by its role: {@code bos_token}, {@code eos_token} …
 * @param chatTemplates by name; {@code default} is the usual one; empty if the model is not for
 *     chat
 */
public record TokenizerConfig(
    Map<String, String> specialTokens, Map<String, String> chatTemplates) {
  /** The file's name in a model directory and in an artifact. */
  public static final String FILE = "tokenizer_config.json";

  /** Where newer models keep the template; it goes before the one in {@link #FILE}. */
  public static final String TEMPLATE_FILE = "chat_template.jinja";

  private static final JsonMapper JSON = new JsonMapper();

  public TokenizerConfig {
    specialTokens = Collections.unmodifiableMap(new LinkedHashMap<>(specialTokens));
    chatTemplates = Collections.unmodifiableMap(new LinkedHashMap<>(chatTemplates));
  }

  /** What a model directory says; nothing, if it has neither file. */
  public static TokenizerConfig read(Path modelDirectory) {
    Path file = modelDirectory.resolve(FILE);
    Path template = modelDirectory.resolve(TEMPLATE_FILE);
    TokenizerConfig config =
        Files.isRegularFile(file)
            ? parse(file.toString(), text(file))
            : new TokenizerConfig(Map.of(), Map.of());
    return Files.isRegularFile(template) ? config.withTemplate(text(template)) : config;
  }

  /**
   * Reads the text of a tokenizer_config.json.
   *
   * @param name what to call the text in messages
   */
  public static TokenizerConfig parse(String name, String text) {
    JsonNode json;
    try {
      json = JSON.readTree(text);
    } catch (JacksonException e) {
      throw invalid(name, "it is not valid JSON: " + JsonReason.of(e));
    }
    if (!json.isObject()) {
      throw invalid(name, "it holds no JSON object");
    }
    var tokens = new LinkedHashMap<String, String>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      JsonNode value = field.getValue();
      if (!field.getKey().endsWith("_token")) {
        continue;
      }
      if (value.isString()) {
        tokens.put(field.getKey(), value.stringValue());
      } else if (value.path("content").isString()) {
        tokens.put(field.getKey(), value.path("content").stringValue());
      }
    }
    return new TokenizerConfig(tokens, templates(name, json.path("chat_template")));
  }

  /** The same with {@code template} as the default template. */
  public TokenizerConfig withTemplate(String template) {
    var templates = new LinkedHashMap<>(chatTemplates);
    templates.put("default", template);
    return new TokenizerConfig(specialTokens, templates);
  }

  public Optional<String> specialToken(String role) {
    return Optional.ofNullable(specialTokens.get(role));
  }

  private static Map<String, String> templates(String name, JsonNode json) {
    if (json.isMissingNode() || json.isNull()) {
      return Map.of();
    }
    if (json.isString()) {
      return Map.of("default", json.stringValue());
    }
    var templates = new LinkedHashMap<String, String>();
    for (JsonNode entry : json) {
      if (!entry.path("name").isString() || !entry.path("template").isString()) {
        throw invalid(name, "an entry of its chat_template has no name or no template");
      }
      templates.put(entry.path("name").stringValue(), entry.path("template").stringValue());
    }
    if (templates.isEmpty() && !json.isArray()) {
      throw invalid(name, "its chat_template is neither text nor a list");
    }
    return templates;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw invalid(file.toString(), "it is not UTF-8 text");
    } catch (IOException e) {
      throw invalid(file.toString(), "it cannot be read: " + IoReason.of(e));
    }
  }

  private static RuntimeException invalid(String name, String problem) {
    return Diagnostic.invalid(
            Location.named(name),
            "the tokenizer's settings cannot be used: " + problem,
            "correct the file, or delete it")
        .exception();
  }
}
