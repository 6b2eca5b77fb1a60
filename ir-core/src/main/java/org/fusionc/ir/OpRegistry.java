package org.fusionc.ir;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.op.OpTable;

/** All ops that text may name: the built-in table, and those of plug-ins. */
public final class OpRegistry {
  /** What a plug-in provides (as a service) to bring ops of its own. */
  public interface Provider {
    List<OpSchema> ops();
  }

  private final Map<String, OpSchema> schemas = new LinkedHashMap<>();

  private OpRegistry(Iterable<Provider> providers) {
    OpTable.ALL.forEach(schema -> schemas.put(schema.name(), schema));
    for (var provider : providers) {
      for (var schema : provider.ops()) {
        if (schemas.putIfAbsent(schema.name(), schema) != null) {
          throw Diagnostic.usage(
                  "the plug-in "
                      + provider.getClass().getName()
                      + " defines the op '"
                      + schema.name()
                      + "', which exists already",
                  "rename it, for example with a prefix")
              .exception();
        }
      }
    }
  }

  public static OpRegistry builtIn() {
    return new OpRegistry(List.of());
  }

  /** The built-in ops and those of all providers that the loader sees. */
  public static OpRegistry load(ClassLoader loader) {
    return new OpRegistry(ServiceLoader.load(Provider.class, loader));
  }

  public Optional<OpSchema> find(String name) {
    return Optional.ofNullable(schemas.get(name));
  }

  /** The schema of that name, or a diagnostic that names the nearest. */
  public OpSchema get(String name, Location location) {
    return find(name)
        .orElseThrow(() ->
            Diagnostic.invalid(
                    location,
                    "unknown op '" + name + "'",
                    org.fusionc.ir.diagnostic.Suggestion.didYouMean(
                        name, schemas.keySet(), "see the op reference in docs/"))
                .exception());
  }

  public Collection<OpSchema> all() {
    return Collections.unmodifiableCollection(schemas.values());
  }
}
