package org.fusionc.runtime.text.template;

import java.util.HashSet;
import java.util.List;
import java.util.Map;

/** The arguments of a call, evaluated. */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /** Stands in {@link #bind} for "has no default". */
  static final Object REQUIRED = new Object();

  /** Stands in {@link #bind} for "none was given", where every value is a possible one. */
  static final Object ABSENT = new Object();

  /**
   * The arguments in the order of the parameters.
   *
   * @param function its name, for messages
   * @param parameters name, default, name, default …
   */
  Object[] bind(String function, Object... parameters) {
    int count = parameters.length / 2;
    if (positional.size() > count) {
      throw new TemplateError(
          function + " takes at most " + count + " arguments, not " + positional.size());
    }
    var values = new Object[count];
    var unknown = new HashSet<>(named.keySet());
    for (int i = 0; i < count; i++) {
      String name = (String) parameters[2 * i];
      unknown.remove(name);
      Object value =
          i < positional.size()
              ? positional.get(i)
              : named.getOrDefault(name, parameters[2 * i + 1]);
      if (value.equals(REQUIRED)) {
        throw new TemplateError(function + " needs the argument '" + name + "'");
      }
      values[i] = value;
    }
    if (!unknown.isEmpty()) {
      throw new TemplateError(function + " has no argument " + unknown);
    }
    return values;
  }

  /** All but the first positional argument. */
  Arguments rest() {
    return new Arguments(positional.subList(1, positional.size()), named);
  }
}
