package org.fusionc.ir;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A dimension: a polynomial with integer coefficients over symbols, in a normal form, so that equal
 * dimensions are {@code equals}. Text: {@code 2048}, {@code T}, {@code T+P}, {@code 2*T+1}.
 */
public final class Dim {
  /** Coefficients by monomial; a monomial is its symbols, sorted; no coefficient is zero. */
  private final SortedMap<List<String>, Long> terms;

  private static final java.util.Comparator<List<String>> ORDER =
      java.util.Comparator.<List<String>>comparingInt(m -> -m.size())
          .thenComparing(m -> String.join("*", m));

  private Dim(SortedMap<List<String>, Long> terms) {
    this.terms = terms;
  }

  public static Dim of(long value) {
    var terms = new TreeMap<List<String>, Long>(ORDER);
    if (value != 0) {
      terms.put(List.of(), value);
    }
    return new Dim(terms);
  }

  public static Dim symbol(String name) {
    var terms = new TreeMap<List<String>, Long>(ORDER);
    terms.put(List.of(name), 1L);
    return new Dim(terms);
  }

  public boolean isStatic() {
    return terms.isEmpty() || (terms.size() == 1 && terms.firstKey().isEmpty());
  }

  /** The value of a static dimension. */
  public long value() {
    if (!isStatic()) {
      throw new IllegalStateException("dimension " + this + " is not known at compile time");
    }
    return terms.isEmpty() ? 0 : terms.firstEntry().getValue();
  }

  public boolean is(long value) {
    return isStatic() && value() == value;
  }

  public Dim plus(Dim other) {
    var sum = new TreeMap<List<String>, Long>(ORDER);
    sum.putAll(terms);
    other.terms.forEach((monomial, c) -> add(sum, monomial, c));
    return new Dim(sum);
  }

  public Dim minus(Dim other) {
    return plus(other.times(of(-1)));
  }

  public Dim times(Dim other) {
    var product = new TreeMap<List<String>, Long>(ORDER);
    terms.forEach((m, c) ->
        other.terms.forEach((n, d) -> {
          var monomial = new ArrayList<>(m);
          monomial.addAll(n);
          monomial.sort(null);
          add(product, List.copyOf(monomial), Math.multiplyExact(c, d));
        }));
    return new Dim(product);
  }

  private static void add(Map<List<String>, Long> terms, List<String> monomial, long coefficient) {
    terms.merge(
        monomial,
        coefficient,
        (a, b) -> Math.addExact(a, b) == 0 ? null : Long.valueOf(Math.addExact(a, b)));
  }

  /** This dimension divided by a static number, if every coefficient is a multiple of it. */
  public Optional<Dim> dividedBy(long divisor) {
    if (divisor == 0 || terms.values().stream().anyMatch(c -> c % divisor != 0)) {
      return Optional.empty();
    }
    var quotient = new TreeMap<List<String>, Long>(ORDER);
    terms.forEach((m, c) -> quotient.put(m, c / divisor));
    return Optional.of(new Dim(quotient));
  }

  /** The product of dimensions; 1 for none. */
  public static Dim product(Collection<Dim> dims) {
    return dims.stream().reduce(of(1), Dim::times);
  }

  public Collection<String> symbols() {
    var symbols = new TreeSet<String>();
    terms.keySet().forEach(symbols::addAll);
    return symbols;
  }

  /** The value where each symbol has the given one; a symbol without one is an error. */
  public long evaluate(Map<String, Long> values) {
    long sum = 0;
    for (var term : terms.entrySet()) {
      long product = term.getValue();
      for (var symbol : term.getKey()) {
        var value = values.get(symbol);
        if (value == null) {
          throw new IllegalArgumentException("dimension " + symbol + " has no value");
        }
        product = Math.multiplyExact(product, value);
      }
      sum = Math.addExact(sum, product);
    }
    return sum;
  }

  /** This dimension with some symbols replaced. */
  public Dim substitute(Map<String, Dim> replacements) {
    var sum = of(0);
    for (var term : terms.entrySet()) {
      var product = of(term.getValue());
      for (var symbol : term.getKey()) {
        product = product.times(replacements.getOrDefault(symbol, symbol(symbol)));
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Dim dim && terms.equals(dim.terms);
  }

  @Override
  public int hashCode() {
    return terms.hashCode();
  }

  @Override
  public String toString() {
    if (terms.isEmpty()) {
      return "0";
    }
    var text = new StringBuilder();
    terms.forEach((monomial, c) -> {
      if (!text.isEmpty() && c > 0) {
        text.append('+');
      }
      var symbols = String.join("*", monomial);
      if (symbols.isEmpty()) {
        text.append(c);
      } else if (c == 1) {
        text.append(symbols);
      } else if (c == -1) {
        text.append('-').append(symbols);
      } else {
        text.append(c).append('*').append(symbols);
      }
    });
    return text.toString();
  }
}
