package org.fusionc.runtime.text.template;

import java.math.BigDecimal;
import java.util.IllegalFormatException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Values as Python writes them: str(), repr(), json.dumps() and the % operator. */
final class PythonText {
  private PythonText() {}

  /** str(value), which is what {@code {{ … }}} puts out. */
  static String of(Object value) {
    return switch (value) {
      case String text -> text;
      case Undefined _ -> "";
      default -> repr(value);
    };
  }

  static String repr(Object value) {
    return switch (value) {
      case None _ -> "None";
      case Undefined _ -> "Undefined";
      case Boolean truth -> truth ? "True" : "False";
      case Long number -> number.toString();
      case Double number -> of(number.doubleValue());
      case String text -> quoted(text);
      case Tuple items ->
          items.size() == 1
              ? "(" + repr(items.getFirst()) + ",)"
              : "(" + items.stream().map(PythonText::repr).collect(Collectors.joining(", ")) + ")";
      case List<?> items ->
          "[" + items.stream().map(PythonText::repr).collect(Collectors.joining(", ")) + "]";
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> repr(entry.getKey()) + ": " + repr(entry.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      default -> "<" + Values.type(value) + ">";
    };
  }

  private static String of(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    }
    double size = Math.abs(number);
    if (size != 0 && (size < 1e-4 || size >= 1e16)) {
      var digits = new BigDecimal(Double.toString(number)).stripTrailingZeros();
      String unscaled = digits.unscaledValue().abs().toString();
      int exponent = unscaled.length() - 1 - digits.scale();
      String mantissa =
          unscaled.charAt(0) + (unscaled.length() > 1 ? "." + unscaled.substring(1) : "");
      return (number < 0 ? "-" : "")
          + mantissa
          + "e"
          + (exponent < 0 ? "-" : "+")
          + (Math.abs(exponent) < 10 ? "0" : "")
          + Math.abs(exponent);
    }
    String plain = new BigDecimal(Double.toString(number)).stripTrailingZeros().toPlainString();
    return (number == 0 && 1 / number < 0 ? "-" : "")
        + plain
        + (plain.indexOf('.') < 0 ? ".0" : "");
  }

  private static String quoted(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    var result = new StringBuilder().append(quote);
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '\n' -> result.append("\\n");
            case '\r' -> result.append("\\r");
            case '\t' -> result.append("\\t");
            case '\\' -> result.append("\\\\");
            default -> {
              if (c == quote) {
                result.append('\\').append(quote);
              } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
                result.append(String.format(Locale.ROOT, "\\x%02x", c));
              } else {
                result.appendCodePoint(c);
              }
            }
          }
        });
    return result.append(quote).toString();
  }

  /**
   * json.dumps(value).
   *
   * @param indent spaces or text for each level; empty for one line
   * @param item what stands between items, and {@code key} between a key and its value
   */
  record Json(
      String indent, boolean oneLine, boolean ascii, boolean sorted, String item, String key) {
    String write(Object value) {
      var out = new StringBuilder();
      write(value, "\n", out);
      return out.toString();
    }

    private void write(Object value, String line, StringBuilder out) {
      String inner = line + indent;
      switch (value) {
        case None _ -> out.append("null");
        case Boolean truth -> out.append(truth);
        case Long number -> out.append(number);
        case Double number ->
            out.append(
                number.isNaN()
                    ? "NaN"
                    : number.isInfinite() ? (number > 0 ? "Infinity" : "-Infinity") : of(number));
        case String text -> string(text, out);
        case List<?> items when items.isEmpty() -> out.append("[]");
        case List<?> items -> {
          String separator = "[";
          for (Object each : items) {
            out.append(separator).append(oneLine ? "" : inner);
            write(each, inner, out);
            separator = item;
          }
          out.append(oneLine ? "" : line).append(']');
        }
        case Map<?, ?> map when map.isEmpty() -> out.append("{}");
        case Map<?, ?> map -> {
          String separator = "{";
          var entries =
              sorted
                  ? map.entrySet().stream()
                      .sorted((a, b) -> Values.compare(a.getKey(), b.getKey()))
                      .toList()
                  : List.copyOf(map.entrySet());
          for (Map.Entry<?, ?> entry : entries) {
            out.append(separator).append(oneLine ? "" : inner);
            string(keyText(entry.getKey()), out);
            out.append(key);
            write(entry.getValue(), inner, out);
            separator = item;
          }
          out.append(oneLine ? "" : line).append('}');
        }
        case Undefined undefined -> throw undefined.error();
        default -> throw new TemplateError("a " + Values.type(value) + " cannot be JSON");
      }
    }

    private String keyText(Object name) {
      return name instanceof String text ? text : write(name);
    }

    private void string(String text, StringBuilder out) {
      out.append('"');
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        switch (c) {
          case '"' -> out.append("\\\"");
          case '\\' -> out.append("\\\\");
          case '\n' -> out.append("\\n");
          case '\r' -> out.append("\\r");
          case '\t' -> out.append("\\t");
          case '\b' -> out.append("\\b");
          case '\f' -> out.append("\\f");
          default -> {
            if (c < 0x20 || (ascii && c >= 0x7f)) {
              out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
              out.append(c);
            }
          }
        }
      }
      out.append('"');
    }
  }

  /** {@code format % values}. */
  static String format(String format, Object values) {
    List<?> items = values instanceof Tuple tuple ? tuple : List.of(values);
    var out = new StringBuilder();
    int used = 0;
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%') {
        out.append(c);
        continue;
      }
      int end = i + 1;
      while (end < format.length() && "+-# 0123456789.".indexOf(format.charAt(end)) >= 0) {
        end++;
      }
      if (end >= format.length()) {
        throw new TemplateError("the format ends in the middle of '%'");
      }
      char kind = format.charAt(end);
      String flags = format.substring(i + 1, end);
      i = end;
      if (kind == '%') {
        out.append('%');
        continue;
      }
      if (used >= items.size()) {
        throw new TemplateError("there are fewer values than the format has places");
      }
      out.append(place(kind, flags, items.get(used++)));
    }
    if (used < items.size()) {
      throw new TemplateError("there are more values than the format has places");
    }
    return out.toString();
  }

  private static String place(char kind, String flags, Object value) {
    if (!flags.matches("[-+ 0#]*\\d{0,3}(\\.\\d{1,3})?")) {
      throw new TemplateError("the format '%" + flags + kind + "' is not supported");
    }
    try {
      return formatted(kind, flags, value);
    } catch (IllegalFormatException e) {
      throw new TemplateError("the format '%" + flags + kind + "' is not supported");
    }
  }

  private static String formatted(char kind, String flags, Object value) {
    return switch (kind) {
      case 's' -> String.format(Locale.ROOT, "%" + flags + "s", of(value));
      case 'r' -> String.format(Locale.ROOT, "%" + flags + "s", repr(value));
      case 'd', 'i' -> {
        Number number = Values.number(value);
        if (number == null) {
          throw new TemplateError("'%d' needs a number, not a " + Values.type(value));
        }
        yield String.format(Locale.ROOT, "%" + flags + "d", number.longValue());
      }
      case 'x', 'X', 'o' ->
          String.format(Locale.ROOT, "%" + flags + kind, Values.integer("'%" + kind + "'", value));
      case 'f', 'F', 'e', 'g' -> {
        Number number = Values.number(value);
        if (number == null || kind == 'g') {
          throw new TemplateError("'%" + kind + "' cannot write a " + Values.type(value));
        }
        yield String.format(
            Locale.ROOT, "%" + flags + (kind == 'e' ? 'e' : 'f'), number.doubleValue());
      }
      default -> throw new TemplateError("the format '%" + flags + kind + "' is not supported");
    };
  }
}
