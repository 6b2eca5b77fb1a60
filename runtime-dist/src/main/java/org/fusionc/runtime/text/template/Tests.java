package org.fusionc.runtime.text.template;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What may stand after {@code is}. */
final class Tests {
  static final Set<String> NAMES =
      Set.of(
          "boolean",
          "callable",
          "defined",
          "divisibleby",
          "eq",
          "equalto",
          "even",
          "false",
          "float",
          "ge",
          "greaterthan",
          "gt",
          "in",
          "integer",
          "iterable",
          "le",
          "lessthan",
          "lower",
          "lt",
          "mapping",
          "ne",
          "none",
          "number",
          "odd",
          "sameas",
          "sequence",
          "string",
          "true",
          "undefined",
          "upper");

  private Tests() {}

  static boolean apply(String name, Object value, Arguments arguments) {
    return switch (name) {
      case "divisibleby" ->
          Math.floorMod(
                  Values.integer("the value", value),
                  Values.integer("the divisor", other(name, arguments)))
              == 0;
      case "eq", "equalto" -> Values.equal(value, other(name, arguments));
      case "ne" -> !Values.equal(value, other(name, arguments));
      case "lt", "lessthan" -> Values.compare(value, other(name, arguments)) < 0;
      case "le" -> Values.compare(value, other(name, arguments)) <= 0;
      case "gt", "greaterthan" -> Values.compare(value, other(name, arguments)) > 0;
      case "ge" -> Values.compare(value, other(name, arguments)) >= 0;
      case "in" -> Values.contains(other(name, arguments), value);
      case "sameas" -> {
        Object other = other(name, arguments);
        // Identity in Python; for what templates compare, equal values of one type are one.
        yield Values.type(value).equals(Values.type(other)) && Values.equal(value, other);
      }
      default -> {
        arguments.bind(name);
        yield alone(name, value);
      }
    };
  }

  private static boolean alone(String name, Object value) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value instanceof None;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "number" -> Values.number(value) != null;
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map;
      case "iterable" -> value instanceof Map || isSequence(value) || value instanceof Undefined;
      // Jinja asks for a length and for items, which a dict has as well.
      case "sequence" -> value instanceof Map || isSequence(value) || value instanceof Undefined;
      case "callable" -> value instanceof Callable;
      case "even" -> Math.floorMod(Values.integer("the value", value), 2) == 0;
      case "odd" -> Math.floorMod(Values.integer("the value", value), 2) == 1;
      case "lower" -> {
        String text = PythonText.of(value);
        yield text.equals(text.toLowerCase(Locale.ROOT))
            && !text.equals(text.toUpperCase(Locale.ROOT));
      }
      case "upper" -> {
        String text = PythonText.of(value);
        yield text.equals(text.toUpperCase(Locale.ROOT))
            && !text.equals(text.toLowerCase(Locale.ROOT));
      }
      default -> throw new IllegalStateException(name);
    };
  }

  private static boolean isSequence(Object value) {
    return value instanceof List || value instanceof String;
  }

  private static Object other(String name, Arguments arguments) {
    return arguments.bind("the test '" + name + "'", "other", Arguments.REQUIRED)[0];
  }
}
