package org.fusionc.ir.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.antlr.v4.runtime.Token;
import org.fusionc.ir.Function;
import org.fusionc.ir.Notes;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Value;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Spelling;
import org.fusionc.ir.diagnostic.Suggestion;
import org.jspecify.annotations.Nullable;

/** The values of one function or body while it is read. */
final class Scope {
  /**
   * A name's meaning.
   *
   * @param value null if its definition is wrong, which has been reported
   */
  record Binding(@Nullable Value value, Location location) {}

  private final Source source;
  private final Problems problems;
  private final Map<String, Binding> bindings = new HashMap<>();
  private final List<Param> params = new ArrayList<>();
  private final Set<Op> body = new LinkedHashSet<>();
  final Notes notes = new Notes();

  Scope(Source source, Problems problems) {
    this.source = source;
    this.problems = problems;
  }

  void param(Token name, Param param) {
    params.add(param);
    notes.location(param, source.location(name));
    define(name, param);
  }

  int paramCount() {
    return params.size();
  }

  /** Places the op at the end, unless an equal one stands above already. */
  void place(Op op, Location location, List<String> comments) {
    body.add(op);
    notes.location(op, location);
    notes.comments(op, comments);
  }

  /**
   * Gives the name a meaning; an earlier one is an error.
   *
   * @param value null if the definition is wrong
   */
  void define(Token token, @Nullable Value value) {
    var name = source.name(token);
    var earlier = bindings.putIfAbsent(name, new Binding(value, source.location(token)));
    if (earlier != null) {
      problems.report(
          source.location(token),
          Spelling.value(name) + " is defined already, at " + earlier.location,
          "give one of the two another name");
    } else if (value != null && !ValueNames.isNumber(name)) {
      notes.name(value, name);
    }
  }

  boolean isDefined(String name) {
    return bindings.containsKey(name);
  }

  /** What the name means; null if that is wrong or not known, which has been reported. */
  @Nullable Value find(Token token) {
    var name = source.name(token);
    var binding = bindings.get(name);
    if (binding != null) {
      return binding.value;
    }
    var later = source.definedLater(token);
    if (later != null) {
      problems.report(
          source.location(token),
          Spelling.value(name) + " is used before its definition at " + later,
          "move the definition above this line");
    } else {
      problems.report(
          source.location(token),
          "undefined value " + Spelling.value(name),
          Suggestion.nearest(name, bindings.keySet())
              .map(near -> "did you mean '" + Spelling.value(near) + "'?")
              .orElse("define it above this line"));
    }
    return null;
  }

  Function function(String name, List<Value> results) {
    return new Function(name, params, List.copyOf(body), results, notes);
  }
}
