package org.fusionc.runtime.text;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.fusionc.frontend.safetensors.JsonReason;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the streaming decoder must know of a tokenizer.json: which ids exist, which are special, and
 * whether runs of byte tokens are decoded together.
 *
 * <p>The file is read as a stream that skips the merges, by far its largest part.
 */
final class Vocabulary {
  private static final JsonMapper JSON = new JsonMapper();

  private final List<@Nullable String> tokens = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final BitSet special = new BitSet();
  private boolean byteFallback;

  private Vocabulary() {}

  static Vocabulary parse(String name, String json) {
    var vocabulary = new Vocabulary();
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw invalid(name, "it holds no JSON object").exception();
      }
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String field = parser.currentName();
        parser.nextToken();
        switch (field) {
          case "model" -> vocabulary.readModel(name, parser);
          case "added_tokens" -> vocabulary.readAdded(parser.readValueAsTree());
          case "decoder" -> {
            JsonNode decoder = parser.readValueAsTree();
            vocabulary.byteFallback = decoder.findValuesAsString("type").contains("ByteFallback");
          }
          default -> parser.skipChildren();
        }
      }
    } catch (JacksonException e) {
      throw invalid(name, "it is not valid JSON: " + JsonReason.of(e)).exception();
    }
    if (vocabulary.tokens.isEmpty()) {
      throw invalid(name, "it has no vocabulary (model.vocab)").exception();
    }
    return vocabulary;
  }

  private void readModel(String name, JsonParser parser) {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw invalid(name, "its field 'model' is not an object").exception();
    }
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String field = parser.currentName();
      JsonToken token = parser.nextToken();
      if (!field.equals("vocab")) {
        parser.skipChildren();
      } else if (token == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
          String text = parser.currentName();
          if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) {
            throw invalid(name, "the id of token '" + text + "' is not a number").exception();
          }
          put(name, parser.getIntValue(), text);
        }
      } else {
        // Unigram models list [token, score] in the order of their ids.
        JsonNode list = parser.readValueAsTree();
        for (int id = 0; id < list.size(); id++) {
          put(name, id, list.get(id).path(0).asString(""));
        }
      }
    }
  }

  private void readAdded(JsonNode added) {
    for (JsonNode token : added) {
      int id = token.path("id").asInt(-1);
      put("added_tokens", id, token.path("content").asString(""));
      special.set(id, token.path("special").asBoolean(false));
    }
  }

  private void put(String name, int id, String token) {
    // A hostile id must not make the table larger than any vocabulary there is.
    if (id < 0 || id >= 1 << 24) {
      throw invalid(name, "token '" + token + "' has the id " + id).exception();
    }
    while (tokens.size() <= id) {
      tokens.add(null);
    }
    tokens.set(id, token);
    ids.put(token, id);
  }

  private static Diagnostic invalid(String name, String problem) {
    return Diagnostic.invalid(
        Location.named(name),
        "this is not a tokenizer.json: " + problem,
        "take the file again from where the model came from");
  }

  /** One more than the largest id. */
  int size() {
    return tokens.size();
  }

  @Nullable String token(int id) {
    return id >= 0 && id < tokens.size() ? tokens.get(id) : null;
  }

  OptionalInt id(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  boolean isSpecial(int id) {
    return special.get(id);
  }

  /** Whether {@code id} stands for one raw byte that is decoded together with its neighbours. */
  boolean isFallbackByte(int id) {
    if (!byteFallback) {
      return false;
    }
    String token = token(id);
    return token != null && token.length() == 6 && token.startsWith("<0x") && token.endsWith(">");
  }
}
