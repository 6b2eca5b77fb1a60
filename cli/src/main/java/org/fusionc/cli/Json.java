package org.fusionc.cli;

import tools.jackson.databind.json.JsonMapper;

/** Prints machine-readable output. */
final class Json {
  private static final JsonMapper MAPPER = new JsonMapper();

  private Json() {}

  static String of(Object value) {
    return MAPPER.writeValueAsString(value);
  }
}
