package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import java.util.regex.Pattern;

/** The methods of Python's str that templates use. */
final class StringMethods {
  static final Set<String> NAMES =
      Set.of(
          "capitalize",
          "center",
          "count",
          "endswith",
          "find",
          "format",
          "index",
          "isalnum",
          "isalpha",
          "isdigit",
          "islower",
          "isspace",
          "isupper",
          "join",
          "ljust",
          "lower",
          "lstrip",
          "partition",
          "removeprefix",
          "removesuffix",
          "replace",
          "rfind",
          "rjust",
          "rpartition",
          "rsplit",
          "rstrip",
          "split",
          "splitlines",
          "startswith",
          "strip",
          "swapcase",
          "title",
          "upper",
          "zfill");

  private StringMethods() {}

  static Object call(String text, String name, Arguments arguments) {
    return switch (name) {
      case "strip", "lstrip", "rstrip" -> {
        Object characters = arguments.bind(name, "chars", None.NONE)[0];
        yield strip(text, characters, !name.equals("rstrip"), !name.equals("lstrip"));
      }
      case "startswith", "endswith" -> {
        Object affix = arguments.bind(name, "affix", Arguments.REQUIRED)[0];
        List<Object> affixes = affix instanceof Tuple tuple ? tuple : List.of(affix);
        yield affixes.stream()
            .map(each -> string(name, each))
            .anyMatch(
                each -> name.equals("startswith") ? text.startsWith(each) : text.endsWith(each));
      }
      case "split", "rsplit" -> {
        Object[] a = arguments.bind(name, "sep", None.NONE, "maxsplit", -1L);
        long limit = Values.integer("maxsplit", a[1]);
        long most = limit < 0 ? Long.MAX_VALUE : limit;
        yield new ArrayList<Object>(
            name.equals("split") ? split(text, a[0], most) : splitFromRight(text, a[0], most));
      }
      case "splitlines" -> {
        arguments.bind(name);
        yield text.isEmpty() ? new ArrayList<>() : new ArrayList<Object>(text.lines().toList());
      }
      case "partition", "rpartition" -> partition(text, name, arguments);
      case "replace" -> {
        Object[] a =
            arguments.bind(
                name, "old", Arguments.REQUIRED, "new", Arguments.REQUIRED, "count", -1L);
        yield replace(text, string(name, a[0]), string(name, a[1]), Values.integer("count", a[2]));
      }
      case "removeprefix" -> {
        String prefix = one(name, arguments);
        yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = one(name, arguments);
        yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      case "find", "rfind", "index" -> {
        String part = one(name, arguments);
        int at = name.equals("rfind") ? text.lastIndexOf(part) : text.indexOf(part);
        if (at < 0 && name.equals("index")) {
          throw new TemplateError("the text does not contain " + PythonText.repr(part));
        }
        yield at < 0 ? -1L : (long) text.codePointCount(0, at);
      }
      case "count" -> (long) text.split(Pattern.quote(one(name, arguments)), -1).length - 1;
      case "join" -> {
        var parts = new ArrayList<String>();
        for (Object part :
            Values.iterate(arguments.bind(name, "iterable", Arguments.REQUIRED)[0])) {
          parts.add(string(name, part));
        }
        yield Values.limited(String.join(text, parts));
      }
      case "format" -> format(text, arguments);
      case "ljust", "rjust", "center", "zfill" -> pad(text, name, arguments);
      default -> {
        arguments.bind(name);
        yield plain(text, name);
      }
    };
  }

  private static Object plain(String text, String name) {
    return switch (name) {
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> capitalize(text);
      case "title" -> title(text);
      case "swapcase" ->
          map(
              text,
              c -> Character.isUpperCase(c) ? Character.toLowerCase(c) : Character.toUpperCase(c));
      case "isalnum" -> all(text, Character::isLetterOrDigit);
      case "isalpha" -> all(text, Character::isLetter);
      case "isdigit" -> all(text, Character::isDigit);
      case "isspace" -> all(text, Character::isWhitespace);
      case "islower" -> text.equals(text.toLowerCase(Locale.ROOT)) && anyLetter(text);
      case "isupper" -> text.equals(text.toUpperCase(Locale.ROOT)) && anyLetter(text);
      default -> throw new IllegalStateException(name);
    };
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  static String title(String text) {
    var out = new StringBuilder();
    boolean[] inWord = {false};
    text.codePoints()
        .forEach(c -> {
          out.appendCodePoint(inWord[0] ? Character.toLowerCase(c) : Character.toTitleCase(c));
          inWord[0] = Character.isLetter(c);
        });
    return out.toString();
  }

  static String strip(String text, Object characters, boolean left, boolean right) {
    IntPredicate drop =
        characters instanceof String set
            ? c -> set.indexOf(c) >= 0
            : c -> Character.isWhitespace(c) || Character.isSpaceChar(c);
    int start = 0;
    int end = text.length();
    while (left && start < end && drop.test(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    while (right && end > start && drop.test(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(start, end);
  }

  static String replace(String text, String old, String with, long count) {
    var out = new StringBuilder();
    int at = 0;
    long left = count < 0 ? Long.MAX_VALUE : count;
    while (left-- > 0) {
      int next = text.indexOf(old, at);
      if (next < 0) {
        break;
      }
      out.append(text, at, next).append(with);
      Values.checkLength(out.length());
      at = next + old.length();
      if (old.isEmpty()) {
        if (at >= text.length()) {
          return out.toString();
        }
        out.append(text.charAt(at++));
      }
    }
    return out.append(text.substring(at)).toString();
  }

  private static List<String> split(String text, Object separator, long most) {
    var parts = new ArrayList<String>();
    if (separator instanceof None) {
      String rest = strip(text, None.NONE, true, false);
      while (!rest.isEmpty()) {
        int end = 0;
        while (end < rest.length() && !Character.isWhitespace(rest.charAt(end))) {
          end++;
        }
        if (parts.size() == most || end == rest.length()) {
          parts.add(parts.size() == most ? strip(rest, None.NONE, false, true) : rest);
          break;
        }
        parts.add(rest.substring(0, end));
        rest = strip(rest.substring(end), None.NONE, true, false);
      }
      return parts;
    }
    String between = separatorOf(separator);
    int at = 0;
    for (int next; parts.size() < most && (next = text.indexOf(between, at)) >= 0; ) {
      parts.add(text.substring(at, next));
      at = next + between.length();
    }
    parts.add(text.substring(at));
    return parts;
  }

  private static List<String> splitFromRight(String text, Object separator, long most) {
    if (separator instanceof None) {
      if (most != Long.MAX_VALUE) {
        throw new TemplateError("rsplit with maxsplit needs a separator");
      }
      return split(text, separator, most);
    }
    String between = separatorOf(separator);
    var parts = new ArrayList<String>();
    String rest = text;
    for (int next; parts.size() < most && (next = rest.lastIndexOf(between)) >= 0; ) {
      parts.add(rest.substring(next + between.length()));
      rest = rest.substring(0, next);
    }
    parts.add(rest);
    Collections.reverse(parts);
    return parts;
  }

  private static Object partition(String text, String name, Arguments arguments) {
    String between = separatorOf(arguments.bind(name, "sep", Arguments.REQUIRED)[0]);
    boolean first = name.equals("partition");
    int at = first ? text.indexOf(between) : text.lastIndexOf(between);
    if (at < 0) {
      return new Tuple(first ? List.of(text, "", "") : List.of("", "", text));
    }
    return new Tuple(
        List.of(text.substring(0, at), between, text.substring(at + between.length())));
  }

  private static String separatorOf(Object separator) {
    String between = string("split", separator);
    if (between.isEmpty()) {
      throw new TemplateError("the separator is empty");
    }
    return between;
  }

  /** {@code '{} {0} {name}'.format(…)}, without format specifications. */
  private static String format(String text, Arguments arguments) {
    var out = new StringBuilder();
    int automatic = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c == '{' || c == '}') && i + 1 < text.length() && text.charAt(i + 1) == c) {
        out.append(c);
        i++;
      } else if (c == '{') {
        int end = text.indexOf('}', i);
        String field = end < 0 ? "?" : text.substring(i + 1, end);
        Object value;
        if (field.isEmpty() || field.matches("\\d{1,4}")) {
          int index = field.isEmpty() ? automatic++ : Integer.parseInt(field);
          value = Values.item(arguments.positional(), (long) index);
        } else if (arguments.named().containsKey(field)) {
          value = arguments.named().get(field);
        } else {
          throw new TemplateError("format() does not support '{" + field + "}'");
        }
        if (value instanceof Undefined undefined) {
          throw undefined.error();
        }
        out.append(PythonText.of(value));
        i = end;
      } else {
        out.append(c);
      }
    }
    return Values.limited(out.toString());
  }

  private static String pad(String text, String name, Arguments arguments) {
    Object[] a = arguments.bind(name, "width", Arguments.REQUIRED, "fillchar", " ");
    long width = Values.integer("width", a[0]);
    Values.checkLength((double) width);
    int missing = (int) Math.max(0, width - text.codePointCount(0, text.length()));
    String fill = string(name, a[1]);
    return switch (name) {
      case "ljust" -> text + fill.repeat(missing);
      case "rjust" -> fill.repeat(missing) + text;
      case "center" -> fill.repeat(missing / 2) + text + fill.repeat(missing - missing / 2);
      default -> {
        boolean signed = text.startsWith("-") || text.startsWith("+");
        yield (signed ? text.substring(0, 1) : "")
            + "0".repeat(missing)
            + (signed ? text.substring(1) : text);
      }
    };
  }

  private static String one(String name, Arguments arguments) {
    return string(name, arguments.bind(name, "text", Arguments.REQUIRED)[0]);
  }

  static String string(String function, Object value) {
    if (value instanceof String text) {
      return text;
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    throw new TemplateError(function + " needs a str, not a " + Values.type(value));
  }

  private static boolean all(String text, IntPredicate test) {
    return !text.isEmpty() && text.codePoints().allMatch(test);
  }

  private static boolean anyLetter(String text) {
    return text.codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
  }

  private static String map(String text, IntUnaryOperator change) {
    return text.codePoints()
        .map(change)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
