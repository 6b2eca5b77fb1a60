package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What may stand after {@code |}, but for the filters that apply others ({@link Selections}). */
final class Filters {
  static final Set<String> NAMES =
      Set.of(
          "abs",
          "attr",
          "batch",
          "capitalize",
          "count",
          "d",
          "default",
          "dictsort",
          "e",
          "escape",
          "first",
          "float",
          "forceescape",
          "format",
          "indent",
          "int",
          "items",
          "join",
          "last",
          "length",
          "list",
          "lower",
          "max",
          "min",
          "replace",
          "reverse",
          "round",
          "safe",
          "sort",
          "string",
          "sum",
          "title",
          "tojson",
          "trim",
          "unique",
          "upper",
          "wordcount");

  private Filters() {}

  static Object apply(String name, Object value, Arguments arguments) {
    return switch (name) {
      case "default", "d" -> {
        Object[] a = arguments.bind(name, "default_value", "", "boolean", false);
        boolean absent = value instanceof Undefined || (Values.truth(a[1]) && !Values.truth(value));
        yield absent ? a[0] : value;
      }
      case "tojson" -> json(value, arguments);
      case "join" -> join(value, arguments);
      case "replace" -> {
        Object[] a =
            arguments.bind(
                name, "old", Arguments.REQUIRED, "new", Arguments.REQUIRED, "count", None.NONE);
        yield StringMethods.replace(
            PythonText.of(value),
            PythonText.of(a[0]),
            PythonText.of(a[1]),
            a[2] instanceof None ? -1 : Values.integer("count", a[2]));
      }
      case "trim" ->
          StringMethods.strip(
              PythonText.of(value), arguments.bind(name, "chars", None.NONE)[0], true, true);
      case "indent" -> indent(PythonText.of(value), arguments);
      case "int" -> {
        Object[] a = arguments.bind(name, "default", 0L, "base", 10L);
        yield toInt(value, a[0]);
      }
      case "float" -> {
        Object otherwise = arguments.bind(name, "default", 0.0)[0];
        Double number = toFloat(value);
        yield number == null ? otherwise : number;
      }
      case "round" -> round(value, arguments);
      case "sort" -> {
        Object[] a =
            arguments.bind(name, "reverse", false, "case_sensitive", false, "attribute", None.NONE);
        var items = Values.iterate(value);
        Comparator<Object> order =
            Comparator.comparing(
                item -> folded(attribute(item, a[2]), Values.truth(a[1])), Values::compare);
        items.sort(Values.truth(a[0]) ? order.reversed() : order);
        yield items;
      }
      case "dictsort" -> {
        Object[] a = arguments.bind(name, "case_sensitive", false, "by", "key", "reverse", false);
        long by = a[1].equals("value") ? 1 : 0;
        var items = Methods.items(map(name, value));
        Comparator<Object> order =
            Comparator.comparing(
                item -> folded(Values.item(item, by), Values.truth(a[0])), Values::compare);
        items.sort(Values.truth(a[2]) ? order.reversed() : order);
        yield items;
      }
      case "unique" -> {
        Object[] a = arguments.bind(name, "case_sensitive", false, "attribute", None.NONE);
        var seen = new HashSet<Object>();
        yield Values.iterate(value).stream()
            .filter(item -> seen.add(folded(attribute(item, a[1]), Values.truth(a[0]))))
            .collect(Collectors.toCollection(ArrayList::new));
      }
      case "min", "max" -> {
        Object[] a = arguments.bind(name, "case_sensitive", false, "attribute", None.NONE);
        Comparator<Object> order =
            Comparator.comparing(
                item -> folded(attribute(item, a[1]), Values.truth(a[0])), Values::compare);
        var items = Values.iterate(value);
        yield items.isEmpty()
            ? new Undefined("the " + name + " of nothing")
            : name.equals("min") ? Collections.min(items, order) : Collections.max(items, order);
      }
      case "sum" -> {
        Object[] a = arguments.bind(name, "attribute", None.NONE, "start", 0L);
        Object sum = a[1];
        for (Object item : Values.iterate(value)) {
          sum = Values.add(sum, attribute(item, a[0]));
        }
        yield sum;
      }
      case "batch" -> batch(value, arguments);
      case "attr" -> {
        String field =
            StringMethods.string(name, arguments.bind(name, "name", Arguments.REQUIRED)[0]);
        Callable method = Methods.of(value, field);
        yield method == null ? new Undefined("'" + field + "'") : method;
      }
      case "format" -> PythonText.format(PythonText.of(value), new Tuple(arguments.positional()));
      default -> {
        arguments.bind("the filter '" + name + "'");
        yield plain(name, value);
      }
    };
  }

  private static Object plain(String name, Object value) {
    return switch (name) {
      case "upper" -> PythonText.of(value).toUpperCase(Locale.ROOT);
      case "lower" -> PythonText.of(value).toLowerCase(Locale.ROOT);
      case "capitalize" -> StringMethods.capitalize(PythonText.of(value));
      case "title" -> StringMethods.title(PythonText.of(value));
      case "string", "safe" -> PythonText.of(value);
      case "e", "escape", "forceescape" ->
          PythonText.of(value)
              .replace("&", "&amp;")
              .replace("<", "&lt;")
              .replace(">", "&gt;")
              .replace("'", "&#39;")
              .replace("\"", "&#34;");
      case "length", "count" -> length(value);
      case "list" -> Values.iterate(value);
      case "first" -> {
        var items = Values.iterate(value);
        yield items.isEmpty() ? new Undefined("the first item of nothing") : items.getFirst();
      }
      case "last" -> {
        var items = Values.iterate(value);
        yield items.isEmpty() ? new Undefined("the last item of nothing") : items.getLast();
      }
      case "reverse" -> {
        var items = Values.iterate(value);
        Collections.reverse(items);
        yield value instanceof String
            ? items.stream().map(PythonText::of).collect(Collectors.joining())
            : items;
      }
      case "items" ->
          value instanceof Undefined ? new ArrayList<>() : Methods.items(map(name, value));
      case "abs" -> {
        Number number = Values.number(value);
        if (number == null) {
          throw new TemplateError("abs needs a number, not a " + Values.type(value));
        }
        yield number instanceof Long whole
            ? (Object) Math.abs(whole)
            : Math.abs(number.doubleValue());
      }
      case "wordcount" -> (long) PythonText.of(value).strip().split("\\s+").length;
      default -> throw new IllegalStateException(name);
    };
  }

  static long length(Object value) {
    return switch (value) {
      case String text -> text.codePointCount(0, text.length());
      case List<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Undefined _ -> 0;
      default -> throw new TemplateError("a " + Values.type(value) + " has no length");
    };
  }

  /** An item's attribute by a dotted path; the item itself if none is asked for. */
  static Object attribute(Object item, Object path) {
    if (path instanceof None) {
      return item;
    }
    Object value = item;
    for (String step : PythonText.of(path).split("\\.", -1)) {
      Object index = step.matches("\\d{1,9}") ? (Object) Long.parseLong(step) : step;
      value = Values.item(value, index);
    }
    return value;
  }

  private static Object folded(Object value, boolean caseSensitive) {
    return value instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : value;
  }

  private static Map<?, ?> map(String filter, Object value) {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw new TemplateError(filter + " needs a dict, not a " + Values.type(value));
  }

  private static Object join(Object value, Arguments arguments) {
    Object[] a = arguments.bind("join", "d", "", "attribute", None.NONE);
    var parts = new ArrayList<String>();
    for (Object item : Values.iterate(value)) {
      parts.add(PythonText.of(attribute(item, a[1])));
    }
    return Values.limited(String.join(PythonText.of(a[0]), parts));
  }

  private static Object json(Object value, Arguments arguments) {
    Object[] a =
        arguments.bind(
            "tojson",
            "ensure_ascii",
            false,
            "indent",
            None.NONE,
            "separators",
            None.NONE,
            "sort_keys",
            false);
    boolean oneLine = a[1] instanceof None;
    String indent =
        a[1] instanceof String text
            ? text
            : oneLine ? "" : " ".repeat(Math.clamp(Values.integer("indent", a[1]), 0, 64));
    String item = oneLine ? ", " : ",";
    String key = ": ";
    if (a[2] instanceof List<?> separators && separators.size() == 2) {
      item = PythonText.of(separators.getFirst());
      key = PythonText.of(separators.getLast());
    }
    return new PythonText.Json(indent, oneLine, Values.truth(a[0]), Values.truth(a[3]), item, key)
        .write(value);
  }

  private static String indent(String text, Arguments arguments) {
    Object[] a = arguments.bind("indent", "width", 4L, "first", false, "blank", false);
    String by =
        a[0] instanceof String given
            ? given
            : " ".repeat(Math.clamp(Values.integer("width", a[0]), 0, 1024));
    boolean first = Values.truth(a[1]);
    boolean blank = Values.truth(a[2]);
    var lines = new ArrayList<String>();
    for (String line : text.split("\n", -1)) {
      boolean indented =
          (first || !lines.isEmpty()) && (blank || !line.isEmpty() || lines.isEmpty());
      lines.add(indented ? by + line : line);
    }
    return Values.limited(String.join("\n", lines));
  }

  private static Object toInt(Object value, Object otherwise) {
    Number number = Values.number(value);
    if (number != null) {
      return number.longValue();
    }
    if (value instanceof String text) {
      try {
        return Long.parseLong(text.strip().replace("_", ""));
      } catch (NumberFormatException e) {
        Double parsed = toFloat(value);
        return parsed == null ? otherwise : (Object) parsed.longValue();
      }
    }
    return otherwise;
  }

  private static @Nullable Double toFloat(Object value) {
    Number number = Values.number(value);
    if (number != null) {
      return number.doubleValue();
    }
    try {
      return value instanceof String text ? Double.valueOf(text.strip()) : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static Object round(Object value, Arguments arguments) {
    Object[] a = arguments.bind("round", "precision", 0L, "method", "common");
    Number number = Values.number(value);
    if (number == null) {
      throw new TemplateError("round needs a number, not a " + Values.type(value));
    }
    long digits = Values.integer("precision", a[0]);
    if (number instanceof Long && a[1].equals("common")) {
      return number;
    }
    double scale = Math.pow(10, (double) digits);
    double scaled = number.doubleValue() * scale;
    return switch (PythonText.of(a[1])) {
      case "common" -> Math.rint(scaled) / scale;
      case "ceil" -> Math.ceil(scaled) / scale;
      case "floor" -> Math.floor(scaled) / scale;
      default -> throw new TemplateError("round knows common, ceil and floor");
    };
  }

  private static Object batch(Object value, Arguments arguments) {
    Object[] a = arguments.bind("batch", "linecount", Arguments.REQUIRED, "fill_with", None.NONE);
    int size = Math.clamp(Values.integer("linecount", a[0]), 1, Values.MAX_LENGTH);
    var items = Values.iterate(value);
    var batches = new ArrayList<Object>();
    for (int at = 0; at < items.size(); at += size) {
      var batch = new ArrayList<>(items.subList(at, Math.min(items.size(), at + size)));
      while (!(a[1] instanceof None) && batch.size() < size) {
        batch.add(a[1]);
      }
      batches.add(batch);
    }
    return batches;
  }
}
