package org.fusionc.runtime.serve;

import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Reads the fields of a JSON object from a client, and refuses those that nobody asked for: what
 * would be ignored is not taken. A null is as good as a field that is not there.
 */
final class Fields {
  private final JsonNode object;
  private final String path;
  private final Set<String> known = new HashSet<>();

  private Fields(JsonNode object, String path) {
    this.object = object;
    this.path = path;
  }

  /**
   * The fields of an object.
   *
   * @param path where it stands in the body, such as {@code messages[0]}; empty for the body itself
   */
  static Fields of(JsonNode node, String path) {
    if (!node.isObject()) {
      throw wrongType(path, "an object", node);
    }
    return new Fields(node, path);
  }

  /** A field's place in the body. */
  String place(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** A field of any type. */
  Optional<JsonNode> node(String name) {
    known.add(name);
    var value = object.get(name);
    return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
  }

  Optional<String> string(String name) {
    return node(name)
        .map(value -> {
          if (!value.isString()) {
            throw wrongType(place(name), "a string", value);
          }
          return value.stringValue();
        });
  }

  String requiredString(String name) {
    return string(name).orElseThrow(() -> missing(name));
  }

  ApiException missing(String name) {
    return ApiException.invalid(
        place(name), "missing_required_parameter", "'" + place(name) + "' is missing.");
  }

  boolean bool(String name) {
    return node(name)
        .map(value -> {
          if (!value.isBoolean()) {
            throw wrongType(place(name), "true or false", value);
          }
          return value.booleanValue();
        })
        .orElse(false);
  }

  OptionalLong integer(String name, long least, long most) {
    var value = node(name);
    return value.isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(integer(value.get(), place(name), least, most));
  }

  static long integer(JsonNode value, String place, long least, long most) {
    if (!value.isIntegralNumber()) {
      throw wrongType(place, "an integer", value);
    }
    if (!value.canConvertToLong() || value.longValue() < least || value.longValue() > most) {
      throw ApiException.invalid(
          place,
          "'%s' is %s, but must be from %d to %d.".formatted(place, shown(value), least, most));
    }
    return value.longValue();
  }

  OptionalDouble number(String name, double least, double most) {
    var value = node(name);
    return value.isEmpty()
        ? OptionalDouble.empty()
        : OptionalDouble.of(number(value.get(), place(name), least, most));
  }

  static double number(JsonNode value, String place, double least, double most) {
    if (!value.isNumber()) {
      throw wrongType(place, "a number", value);
    }
    double number = value.asDouble(Double.NaN);
    if (!(number >= least && number <= most)) {
      throw ApiException.invalid(
          place,
          "'%s' is %s, but must be from %s to %s."
              .formatted(place, shown(value), plain(least), plain(most)));
    }
    return number;
  }

  /** Refuses a field unless it has the value that makes no difference. */
  void only(String name, JsonNode harmless, String why) {
    node(name)
        .filter(value -> !value.equals(harmless))
        .ifPresent(_ -> {
          throw ApiException.unsupported(
              place(name), "'%s' is not supported: %s.".formatted(place(name), why));
        });
  }

  /** Refuses a field. */
  void refuse(String name, String why) {
    node(name)
        .ifPresent(_ -> {
          throw ApiException.unsupported(
              place(name), "'%s' is not supported: %s.".formatted(place(name), why));
        });
  }

  /** Takes fields that make no difference to the result. */
  void ignore(String... names) {
    known.addAll(Set.of(names));
  }

  /** Refuses what nobody asked for. */
  void finish() {
    for (var name : object.propertyNames()) {
      if (!known.contains(name)) {
        throw ApiException.invalid(
            // The name is the client's: it may be anything.
            path.isEmpty() && name.matches("\\w{1,60}") ? name : path.isEmpty() ? null : path,
            "unknown_parameter",
            "Unknown field %s%s."
                .formatted(ApiException.quote(name), path.isEmpty() ? "" : " in '" + path + "'"));
      }
    }
  }

  static ApiException wrongType(String place, String expected, JsonNode value) {
    return ApiException.invalid(
        place.isEmpty() ? null : place,
        "invalid_type",
        "%s must be %s, but is %s."
            .formatted(place.isEmpty() ? "The body" : "'" + place + "'", expected, shown(value)));
  }

  private static String shown(JsonNode value) {
    return switch (value.getNodeType()) {
      case STRING -> "the string " + ApiException.quote(value.stringValue());
      case OBJECT -> "an object";
      case ARRAY -> "an array";
      case NUMBER -> {
        var text = value.toString();
        yield text.length() > 30 ? text.substring(0, 30) + "…" : text;
      }
      default -> value.toString();
    };
  }

  private static String plain(double bound) {
    return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
  }
}
