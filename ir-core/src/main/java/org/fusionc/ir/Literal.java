package org.fusionc.ir;

import java.util.List;

/**
 * The elements of a constant in row-major order, as {@link Double} or {@link Long}; one element
 * stands for all of them.
 */
public record Literal(List<Number> elements) {
  public Literal {
    if (elements.isEmpty()
        || !elements.stream().allMatch(e -> e instanceof Double || e instanceof Long)) {
      throw new IllegalArgumentException(
          "a literal has at least one element, each a Double or a Long");
    }
    elements = List.copyOf(elements);
  }

  public static Literal of(double value) {
    return new Literal(List.of(value));
  }

  public static Literal of(long value) {
    return new Literal(List.of(value));
  }

  public boolean isSplat() {
    return elements.size() == 1;
  }
}
