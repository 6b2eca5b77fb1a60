package org.fusionc.ir.pass;

import org.jspecify.annotations.Nullable;

/**
 * An option of a pass, as in {@code fuse-add-rms-norm{max=3}}.
 *
 * @param name lower case with hyphens
 * @param defaultValue a {@link Long}, {@link Double}, {@link Boolean} or {@link String}, which also
 *     fixes the option's type
 * @param summary one sentence
 */
public record PassOption(String name, Object defaultValue, String summary) {
  public PassOption {
    if (!(defaultValue instanceof Long
        || defaultValue instanceof Double
        || defaultValue instanceof Boolean
        || defaultValue instanceof String)) {
      throw new IllegalArgumentException(
          "the default of option "
              + name
              + " is no Long, Double, Boolean or String: "
              + defaultValue);
    }
  }

  /** {@code an integer, a number, true or false, text}. */
  public String typeName() {
    return switch (defaultValue) {
      case Long _ -> "an integer";
      case Double _ -> "a number";
      case Boolean _ -> "true or false";
      default -> "text";
    };
  }

  /** The value that a text stands for; null if it is not of this option's type. */
  public @Nullable Object parse(String text) {
    try {
      return switch (defaultValue) {
        case Long _ -> Long.valueOf(text);
        case Double _ -> Double.valueOf(text);
        case Boolean _ ->
            switch (text) {
              case "true" -> true;
              case "false" -> false;
              default -> null;
            };
        default -> text;
      };
    } catch (NumberFormatException notANumber) {
      return null;
    }
  }
}
