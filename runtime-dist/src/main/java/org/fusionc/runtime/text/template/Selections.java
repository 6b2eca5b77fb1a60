package org.fusionc.runtime.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The filters that apply a test or another filter to each item. */
final class Selections {
  static final Set<String> NAMES =
      Set.of("groupby", "map", "reject", "rejectattr", "select", "selectattr");

  private Selections() {}

  static Object apply(Evaluator evaluator, String name, Object value, Arguments arguments) {
    return switch (name) {
      case "map" -> map(evaluator, value, arguments);
      case "select", "reject" ->
          select(evaluator, value, None.NONE, arguments, name.equals("select"));
      case "groupby" -> groupBy(value, arguments);
      default ->
          select(
              evaluator,
              value,
              first(name, arguments),
              arguments.rest(),
              name.equals("selectattr"));
    };
  }

  private static Object map(Evaluator evaluator, Object value, Arguments arguments) {
    var mapped = new ArrayList<Object>();
    if (arguments.positional().isEmpty()) {
      Object[] a =
          arguments.bind("map", "attribute", Arguments.REQUIRED, "default", Arguments.ABSENT);
      for (Object item : Values.iterate(value)) {
        Object found = Filters.attribute(item, a[0]);
        boolean absent = found instanceof Undefined && !a[1].equals(Arguments.ABSENT);
        mapped.add(absent ? a[1] : found);
      }
      return mapped;
    }
    String filter = PythonText.of(first("map", arguments));
    for (Object item : Values.iterate(value)) {
      mapped.add(evaluator.filter(filter, item, arguments.rest()));
    }
    return mapped;
  }

  private static Object select(
      Evaluator evaluator, Object value, Object attribute, Arguments arguments, boolean keep) {
    var kept = new ArrayList<Object>();
    for (Object item : Values.iterate(value)) {
      Object tested = Filters.attribute(item, attribute);
      boolean holds =
          arguments.positional().isEmpty()
              ? Values.truth(tested)
              : evaluator.test(
                  PythonText.of(arguments.positional().getFirst()), tested, arguments.rest());
      if (holds == keep) {
        kept.add(item);
      }
    }
    return kept;
  }

  /** Tuples of an attribute's value and the items that have it, sorted by the value. */
  private static Object groupBy(Object value, Arguments arguments) {
    Object path = arguments.bind("groupby", "attribute", Arguments.REQUIRED)[0];
    var items = Values.iterate(value);
    items.sort((a, b) -> Values.compare(Filters.attribute(a, path), Filters.attribute(b, path)));
    var groups = new ArrayList<Object>();
    var group = new ArrayList<Object>();
    for (int i = 0; i < items.size(); i++) {
      group.add(items.get(i));
      Object key = Filters.attribute(items.get(i), path);
      boolean last =
          i + 1 == items.size() || !Values.equal(key, Filters.attribute(items.get(i + 1), path));
      if (last) {
        groups.add(new Tuple(List.of(key, group)));
        group = new ArrayList<>();
      }
    }
    return groups;
  }

  private static Object first(String filter, Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw new TemplateError("the filter '" + filter + "' needs an argument");
    }
    return arguments.positional().getFirst();
  }
}
