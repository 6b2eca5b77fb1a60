package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The methods of Python's str, dict and list; those that change their object are refused. */
final class Methods {
  private static final Set<String> DICT = Set.of("get", "items", "keys", "values", "copy");
  private static final Set<String> LIST = Set.of("index", "count", "copy");
  private static final Set<String> MUTATORS =
      Set.of(
          "append",
          "clear",
          "extend",
          "insert",
          "pop",
          "popitem",
          "remove",
          "reverse",
          "setdefault",
          "sort",
          "update");

  private Methods() {}

  /** The method of that name bound to the object; null if there is none. */
  static @Nullable Callable of(Object object, String name) {
    return switch (object) {
      case String text when StringMethods.NAMES.contains(name) ->
          arguments -> StringMethods.call(text, name, arguments);
      case Map<?, ?> map when DICT.contains(name) -> arguments -> dict(map, name, arguments);
      case List<?> list when LIST.contains(name) -> arguments -> list(list, name, arguments);
      case Map<?, ?> map when MUTATORS.contains(name) && !map.containsKey(name) -> refused(name);
      case List<?> _ when MUTATORS.contains(name) -> refused(name);
      default -> null;
    };
  }

  private static Callable refused(String name) {
    return _ -> {
      throw new TemplateError(
          "'" + name + "' would change its object, which templates are not allowed to");
    };
  }

  private static Object dict(Map<?, ?> map, String name, Arguments arguments) {
    return switch (name) {
      case "get" -> {
        Object[] a = arguments.bind("get", "key", Arguments.REQUIRED, "default", None.NONE);
        yield map.containsKey(a[0]) ? Values.item(map, a[0]) : a[1];
      }
      case "keys" -> {
        arguments.bind("keys");
        yield new ArrayList<Object>(map.keySet());
      }
      case "values" -> {
        arguments.bind("values");
        yield new ArrayList<Object>(map.values());
      }
      case "items" -> {
        arguments.bind("items");
        yield items(map);
      }
      default -> map;
    };
  }

  /** The entries as tuples of key and value. */
  static List<Object> items(Map<?, ?> map) {
    var items = new ArrayList<Object>();
    map.forEach((key, value) -> items.add(new Tuple(List.of(key, value))));
    return items;
  }

  private static Object list(List<?> list, String name, Arguments arguments) {
    if (name.equals("copy")) {
      return list;
    }
    Object item = arguments.bind(name, "value", Arguments.REQUIRED)[0];
    long count = 0;
    for (int i = 0; i < list.size(); i++) {
      if (Values.equal(list.get(i), item)) {
        if (name.equals("index")) {
          return (long) i;
        }
        count++;
      }
    }
    if (name.equals("index")) {
      throw new TemplateError(PythonText.repr(item) + " is not in the list");
    }
    return count;
  }
}
