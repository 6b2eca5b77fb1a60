package org.fusionc.runtime.text.template;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What {@code namespace(…)} gives: the only thing a template can assign to from an inner scope.
 *
 * @param fields mutable
 */
record Namespace(Map<String, Object> fields) {
  Namespace(Arguments arguments) {
    this(new LinkedHashMap<>());
    for (Object positional : arguments.positional()) {
      if (!(positional instanceof Map<?, ?> map)) {
        throw new TemplateError("namespace() takes names with values");
      }
      map.forEach((key, value) -> fields.put(PythonText.of(key), value));
    }
    fields.putAll(arguments.named());
  }
}
