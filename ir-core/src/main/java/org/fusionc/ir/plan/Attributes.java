package org.fusionc.ir.plan;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * The {@code { name = value, … }} at the end of a plan's line. Every one of them may be missing: a
 * person who edits a plan need not do sums.
 *
 * @param values in the order in which they were written, which printing keeps
 */
public record Attributes(SequencedMap<String, PlanValue> values) {
  public static final Attributes NONE = new Attributes(new LinkedHashMap<>());

  public Attributes {
    values = java.util.Collections.unmodifiableSequencedMap(new LinkedHashMap<>(values));
  }

  public Optional<PlanValue> get(String name) {
    return Optional.ofNullable(values.get(name));
  }

  /** The quantity of that name; empty if there is none, or if it is a word or a text. */
  public Optional<Quantity> quantity(String name) {
    return get(name).filter(Quantity.class::isInstance).map(Quantity.class::cast);
  }

  /** The word of that name; empty if there is none, or if it is something else. */
  public Optional<String> word(String name) {
    return get(name).map(value -> value instanceof PlanValue.Word(var word) ? word : null);
  }

  /** These attributes with one more, or with that one replaced where it stands. */
  public Attributes with(String name, PlanValue value) {
    var more = new LinkedHashMap<>(values);
    more.put(name, value);
    return new Attributes(more);
  }

  /** With a computed value, rounded for reading. */
  public Attributes with(String name, double base, Unit.Dimension dimension) {
    return with(name, Quantity.readable(base, dimension));
  }

  public boolean isEmpty() {
    return values.isEmpty();
  }

  /** {@code { a = 1GiB, b = q8 }}; empty text if there are none. */
  @Override
  public String toString() {
    return values.isEmpty()
        ? ""
        : values.entrySet().stream()
            .map(entry -> entry.getKey() + " = " + entry.getValue())
            .collect(Collectors.joining(", ", "{ ", " }"));
  }

  /** Order is part of the text, so it is part of equality. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Attributes(var those)
        && Objects.equals(
            values.sequencedEntrySet().stream().map(Map.Entry::copyOf).toList(),
            those.sequencedEntrySet().stream().map(Map.Entry::copyOf).toList());
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }
}
