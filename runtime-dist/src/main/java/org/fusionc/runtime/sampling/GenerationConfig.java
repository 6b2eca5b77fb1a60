package org.fusionc.runtime.sampling;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.fusionc.frontend.safetensors.JsonReason;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a model's generation_config.json says about generating with it.
 *
 * @param endOfText ids that end a text; empty if the model has none
 * @param beginningOfText the id a text begins with, if any
 * @param padding the id that fills up batches elsewhere; never generated on purpose
 * @param recommended how its authors would sample; greedy unless they set do_sample
 * @param ignored settings in the file that would change what is generated and are not supported
 */
public record GenerationConfig(
    Set<Integer> endOfText,
    OptionalInt beginningOfText,
    OptionalInt padding,
    SamplingOptions recommended,
    List<String> ignored) {

  /** The file's name in a model directory and in an artifact. */
  public static final String FILE = "generation_config.json";

  private static final JsonMapper JSON = new JsonMapper();

  /** Settings that change the generated text, with the value that means "off". */
  private static final List<Unsupported> UNSUPPORTED =
      List.of(
          new Unsupported("num_beams", 1),
          new Unsupported("typical_p", 1),
          new Unsupported("epsilon_cutoff", 0),
          new Unsupported("eta_cutoff", 0),
          new Unsupported("no_repeat_ngram_size", 0),
          new Unsupported("encoder_repetition_penalty", 1),
          new Unsupported("penalty_alpha", 0),
          new Unsupported("min_length", 0),
          new Unsupported("top_h", 0),
          new Unsupported("bad_words_ids", 0),
          new Unsupported("suppress_tokens", 0),
          new Unsupported("begin_suppress_tokens", 0),
          new Unsupported("sequence_bias", 0),
          new Unsupported("forced_bos_token_id", 0),
          new Unsupported("forced_eos_token_id", 0));

  private record Unsupported(String name, double off) {
    boolean isSet(JsonNode json) {
      JsonNode value = json.path(name);
      if (value.isNumber() && !name.startsWith("forced")) {
        return value.asDouble() != off;
      }
      return value.isNumber() || !value.isEmpty();
    }
  }

  public GenerationConfig {
    endOfText = Set.copyOf(endOfText);
    ignored = List.copyOf(ignored);
  }

  /** No end of text, greedy. */
  public static GenerationConfig none() {
    return new GenerationConfig(
        Set.of(), OptionalInt.empty(), OptionalInt.empty(), SamplingOptions.greedy(), List.of());
  }

  /**
   * What a model directory says: its generation_config.json and, for ids that are not in it, its
   * config.json.
   */
  public static GenerationConfig read(Path modelDirectory) {
    GenerationConfig fallback = readIfThere(modelDirectory.resolve("config.json")).orElse(none());
    return readIfThere(modelDirectory.resolve(FILE))
        .map(own -> own.orElse(fallback))
        .orElse(
            new GenerationConfig(
                fallback.endOfText,
                fallback.beginningOfText,
                fallback.padding,
                SamplingOptions.greedy(),
                List.of()));
  }

  /**
   * Reads the text of a generation_config.json.
   *
   * @param name what to call the text in messages
   */
  public static GenerationConfig parse(String name, String text) {
    JsonNode json;
    try {
      json = JSON.readTree(text);
    } catch (JacksonException e) {
      throw invalid(name, "it is not valid JSON: " + JsonReason.of(e));
    }
    if (!json.isObject()) {
      throw invalid(name, "it holds no JSON object");
    }
    return new GenerationConfig(
        ids(name, json, "eos_token_id"),
        ids(name, json, "bos_token_id").stream().mapToInt(id -> id).findFirst(),
        ids(name, json, "pad_token_id").stream().mapToInt(id -> id).findFirst(),
        recommended(name, json),
        UNSUPPORTED.stream().filter(u -> u.isSet(json)).map(Unsupported::name).toList());
  }

  private GenerationConfig orElse(GenerationConfig other) {
    return new GenerationConfig(
        endOfText.isEmpty() ? other.endOfText : endOfText,
        beginningOfText.isEmpty() ? other.beginningOfText : beginningOfText,
        padding.isEmpty() ? other.padding : padding,
        recommended,
        ignored);
  }

  private static Optional<GenerationConfig> readIfThere(Path file) {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(parse(file.toString(), Files.readString(file)));
    } catch (CharacterCodingException e) {
      throw invalid(file.toString(), "it is not UTF-8 text");
    } catch (IOException e) {
      throw invalid(file.toString(), "it cannot be read: " + IoReason.of(e));
    }
  }

  private static SamplingOptions recommended(String name, JsonNode json) {
    if (!json.path("do_sample").asBoolean(false)) {
      float penalty = number(name, json, "repetition_penalty", 1);
      return named(name, () -> SamplingOptions.greedy().withRepetitionPenalty(penalty));
    }
    return named(
        name,
        () ->
            new SamplingOptions(
                number(name, json, "temperature", 1),
                (int) number(name, json, "top_k", 50),
                number(name, json, "top_p", 1),
                number(name, json, "min_p", 0),
                number(name, json, "repetition_penalty", 1),
                0));
  }

  /** Options that are wrong in a file are the file's fault, not the command line's. */
  private static SamplingOptions named(String name, Supplier<SamplingOptions> options) {
    try {
      return options.get();
    } catch (DiagnosticException e) {
      Diagnostic wrong = e.diagnostics().getFirst();
      if (wrong.location().isKnown()) {
        throw e;
      }
      throw Diagnostic.invalid(Location.named(name), wrong.message(), wrong.remedy()).exception();
    }
  }

  private static float number(String name, JsonNode json, String field, float absent) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return absent;
    }
    if (!value.isNumber()) {
      throw invalid(name, "its field '" + field + "' is not a number");
    }
    return value.floatValue();
  }

  private static Set<Integer> ids(String name, JsonNode json, String field) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return Set.of();
    }
    var nodes = new ArrayList<JsonNode>();
    if (value.isArray()) {
      value.forEach(nodes::add);
    } else {
      nodes.add(value);
    }
    var ids = new TreeSet<Integer>();
    for (JsonNode node : nodes) {
      if (!node.isInt()) {
        throw invalid(name, "its field '" + field + "' is neither a token id nor a list of them");
      }
      // -1 stands for "none" in a few published files.
      if (node.intValue() >= 0) {
        ids.add(node.intValue());
      }
    }
    return ids;
  }

  private static RuntimeException invalid(String name, String problem) {
    return Diagnostic.invalid(
            Location.named(name),
            "the generation settings cannot be used: " + problem,
            "correct the file, or delete it to generate with the defaults")
        .exception();
  }
}
