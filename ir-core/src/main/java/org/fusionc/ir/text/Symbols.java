package org.fusionc.ir.text;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.antlr.v4.runtime.Token;
import org.fusionc.ir.Type;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Spelling;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;

/** The names that a module's items define. */
final class Symbols {
  private final Source source;
  private final Problems problems;
  private final Map<String, Type.Tensor> weights = new HashMap<>();
  private final Set<String> broken = new HashSet<>();
  private final Map<String, Location> places = new HashMap<>();
  private final Set<String> functions = new HashSet<>();

  Symbols(Source source, Problems problems) {
    this.source = source;
    this.problems = problems;
  }

  /**
   * Notes an item.
   *
   * @param key the item's kind and name, as a person would call it
   * @return whether it is the first of that key; if it is not, that has been reported
   */
  boolean declare(String key, Token token) {
    var earlier = places.putIfAbsent(key, source.location(token));
    if (earlier != null) {
      problems.report(
          source.location(token),
          key + " is defined already, at " + earlier,
          "remove one of the two");
    }
    return earlier == null;
  }

  void weight(String symbol, Type.Tensor type) {
    weights.put(symbol, type);
  }

  /** Notes a weight whose item is wrong: its uses are not reported as well. */
  void brokenWeight(String symbol) {
    broken.add(symbol);
  }

  void function(String name) {
    functions.add(name);
  }

  /** The weight's type; null if it is not known, which has been reported. */
  Type.@Nullable Tensor weight(Token token) {
    var symbol = source.name(token);
    var type = weights.get(symbol);
    if (type == null && !broken.contains(symbol)) {
      problems.report(
          source.location(token),
          functions.contains(symbol)
              ? Spelling.symbol(symbol) + " is a function, not a weight"
              : "undefined weight " + Spelling.symbol(symbol),
          Suggestion.nearest(symbol, weights.keySet())
              .map(near -> "did you mean '" + Spelling.symbol(near) + "'?")
              .orElse("declare it: 'weight " + Spelling.symbol(symbol) + " : …'"));
    }
    return type;
  }
}
