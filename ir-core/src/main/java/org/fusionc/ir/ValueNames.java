package org.fusionc.ir;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fusionc.ir.diagnostic.Spelling;
import org.jspecify.annotations.Nullable;

/**
 * The names of a function's values as its text has them: those that people gave, and for the others
 * a number in the order of definition. A name that is only digits counts as none.
 */
public final class ValueNames {
  private final Map<Value, String> single = new HashMap<>();
  private final Map<Op, List<String>> several = new HashMap<>();
  private int unnamed;

  private ValueNames() {}

  public static ValueNames of(Function function) {
    var names = new ValueNames();
    var given = function.notes().names();
    var results = new HashMap<Op, Map<Integer, String>>();
    given.forEach((value, name) -> {
      if (value instanceof Result(Op op, int index, Type _)) {
        results.computeIfAbsent(op, o -> new HashMap<>()).put(index, name);
      }
    });
    for (var param : function.params()) {
      names.single.put(param, names.chosen(given.get(param)));
    }
    for (var op : function.body()) {
      if (op.type() instanceof Type.Tuple tuple) {
        var own = results.getOrDefault(op, Map.of());
        var all = new ArrayList<String>();
        for (int i = 0; i < tuple.parts().size(); i++) {
          var name = own.get(i);
          all.add(names.chosen(name));
        }
        names.several.put(op, all);
      } else {
        names.single.put(op, names.chosen(given.get(op)));
      }
    }
    return names;
  }

  private String chosen(@Nullable String given) {
    return given != null && !isNumber(given) ? given : Integer.toString(unnamed++);
  }

  /** Whether a name is one that unnamed values get. */
  public static boolean isNumber(String name) {
    return !name.isEmpty() && name.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  /** The names of the op's results, without the {@code %}: one, or as many as its tuple has. */
  public List<String> results(Op op) {
    var all = several.get(op);
    if (all != null) {
      return Collections.unmodifiableList(all);
    }
    var name = single.get(op);
    return name == null ? List.of() : List.of(name);
  }

  /** The name of a parameter, op or result of the function without the {@code %}; null if none. */
  public @Nullable String name(Value value) {
    if (value instanceof Result(Op op, int index, Type _)) {
      var all = several.get(op);
      return all == null ? null : all.get(index);
    }
    return single.get(value);
  }

  /** All names that the function has, without the {@code %}. */
  public Set<String> all() {
    var all = new LinkedHashSet<>(single.values());
    several.values().forEach(all::addAll);
    return all;
  }

  /** The value as an operand's text: {@code %x}, {@code @w}, or {@code _} for none. */
  public String operand(@Nullable Value value) {
    if (value == null) {
      return "_";
    }
    if (value instanceof Weight(String symbol, Type _)) {
      return Spelling.symbol(symbol);
    }
    var name = name(value);
    // A value that is not defined is a broken module; the text shows it, and does not parse.
    return name == null ? "%\"undefined " + value.type() + "\"" : Spelling.value(name);
  }
}
