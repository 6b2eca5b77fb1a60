package org.fusionc.runtime.serve;

import org.fusionc.frontend.safetensors.JsonReason;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads and writes JSON. */
final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  static JsonNode read(String text) {
    return MAPPER.readTree(text);
  }

  /**
   * A request's body.
   *
   * @throws ApiException saying what is wrong where
   */
  static JsonNode body(byte[] body) {
    JsonNode node;
    try {
      node = MAPPER.readTree(body);
    } catch (JacksonException e) {
      var at = e.getLocation();
      throw ApiException.invalid(
          null,
          "invalid_json",
          "The body is not valid JSON%s: %s."
              .formatted(
                  at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr(),
                  quoted(JsonReason.of(e))));
    }
    if (node == null || node.isMissingNode()) {
      throw ApiException.invalid(null, "invalid_json", "The body is empty.");
    }
    return node;
  }

  static byte[] bytes(ObjectNode node) {
    return MAPPER.writeValueAsBytes(node);
  }

  /** As it may stand in an answer, without the quotes. */
  private static String quoted(String reason) {
    var safe = ApiException.quote(reason);
    return safe.substring(1, safe.length() - 1);
  }
}
