package org.fusionc.ir;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.fusionc.ir.diagnostic.Location;

/**
 * What people wrote about a function's values beside the graph: names, origins, comments. Survives
 * every pass: where a value is replaced, its notes go to the replacement unless that has its own.
 */
public final class Notes {
  private final Map<Value, String> names = new HashMap<>();
  private final Set<String> taken = new HashSet<>();
  private final Map<Value, Location> locations = new HashMap<>();
  private final Map<Value, List<String>> comments = new HashMap<>();
  private List<String> trailing = List.of();

  public Optional<String> name(Value value) {
    return Optional.ofNullable(names.get(value));
  }

  /**
   * Names a value, without the {@code %}; a name in use gets a number, a named value keeps its
   * name.
   */
  public void name(Value value, String name) {
    if (names.containsKey(value)) {
      return;
    }
    var unique = name;
    for (int i = 1; !taken.add(unique); i++) {
      unique = name + "." + i;
    }
    names.put(value, unique);
  }

  public Location location(Value value) {
    return locations.getOrDefault(value, Location.unknown());
  }

  public void location(Value value, Location location) {
    if (location.isKnown()) {
      locations.putIfAbsent(value, location);
    }
  }

  /** The comment lines above the value's op, without the slashes. */
  public List<String> comments(Value value) {
    return comments.getOrDefault(value, List.of());
  }

  public void comments(Value value, List<String> lines) {
    if (!lines.isEmpty()) {
      comments.putIfAbsent(value, List.copyOf(lines));
    }
  }

  /** The comment lines above {@code return}. */
  public List<String> trailing() {
    return trailing;
  }

  public void trailing(List<String> lines) {
    trailing = List.copyOf(lines);
  }

  /** Hands the notes that {@code from} holds about {@code old} to {@code replacement}. */
  public void inherit(Notes from, Value old, Value replacement) {
    from.name(old).ifPresent(name -> name(replacement, name));
    location(replacement, from.location(old));
    comments(replacement, from.comments(old));
  }

  public Map<Value, String> names() {
    return Map.copyOf(names);
  }
}
