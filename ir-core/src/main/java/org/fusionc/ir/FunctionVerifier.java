package org.fusionc.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Spelling;
import org.jspecify.annotations.Nullable;

/** Checks one function, without the bodies within it. */
final class FunctionVerifier {
  private final String title;
  private final Function function;
  private final Module module;
  private final ValueNames names;
  private final List<Diagnostic> problems = new ArrayList<>();
  private final Set<Value> defined = new HashSet<>();
  private final Set<Type> checkedTypes = new HashSet<>();
  private final Map<Value, Op> appended = new HashMap<>();

  private FunctionVerifier(String title, Function function, Module module) {
    this.title = title;
    this.function = function;
    this.module = module;
    this.names = ValueNames.of(function);
  }

  /**
   * What is wrong with the function.
   *
   * @param title what to call it: {@code function @decode}
   */
  static List<Diagnostic> verify(String title, Function function, Module module) {
    var verifier = new FunctionVerifier(title, function, module);
    verifier.params();
    function.body().forEach(op -> verifier.op(op));
    verifier.results();
    verifier.names();
    return verifier.problems;
  }

  /** The weights that a function and the bodies within it use. */
  static Set<String> weightsOf(Function function) {
    var symbols = new HashSet<String>();
    var pending = new ArrayList<Function>();
    pending.add(function);
    while (!pending.isEmpty()) {
      var next = pending.removeLast();
      var used = new ArrayList<Value>(next.results());
      for (var op : next.body()) {
        used.addAll(op.inputs());
        pending.addAll(op.bodies());
      }
      for (var value : used) {
        if (value instanceof Weight weight) {
          symbols.add(weight.symbol());
        }
      }
    }
    return symbols;
  }

  private void report(Location location, String message, String remedy) {
    problems.add(Diagnostic.invalid(location, "in " + title + ", " + message, remedy));
  }

  private void params() {
    for (int i = 0; i < function.params().size(); i++) {
      var param = function.params().get(i);
      var location = function.notes().location(param);
      if (param.index() != i) {
        report(
            location,
            "parameter %d has the index %d".formatted(i, param.index()),
            "parameters are numbered in order from 0");
      }
      type(param.type(), location, () -> names.operand(param));
      defined.add(param);
    }
  }

  private void op(Op op) {
    var location = function.notes().location(op);
    for (var operand : op.inputs()) {
      use(operand, location, () -> text(op));
    }
    if (!defined.add(op)) {
      report(location, text(op) + " stands twice", "");
      return;
    }
    type(op.type(), location, () -> text(op));
    try {
      op.schema().infer(op.operands(), op.attributes(), op.type(), location);
    } catch (DiagnosticException e) {
      e.diagnostics()
          .forEach(d -> report(d.location(), value(op) + " = " + d.message(), d.remedy()));
    }
    if (yieldsState(op)) {
      for (var operand : op.inputs()) {
        var earlier = operand.type().isState() ? appended.putIfAbsent(operand, op) : null;
        if (earlier != null) {
          report(
              location,
              "%s is appended to twice: by %s and by %s"
                  .formatted(names.operand(operand), value(earlier), value(op)),
              "append to the later version");
        }
      }
    }
  }

  private static boolean yieldsState(Op op) {
    return op.type() instanceof Type.Tuple(var parts)
        ? parts.stream().anyMatch(Type::isState)
        : op.type().isState();
  }

  private void use(Value value, Location location, Supplier<String> user) {
    switch (value) {
      case Weight(String symbol, Type type) -> {
        var weight = module.weights().get(symbol);
        if (weight == null) {
          report(
              location, user.get() + " uses the undefined weight " + Spelling.symbol(symbol), "");
        } else if (!weight.type().equals(type)) {
          report(
              location,
              "%s uses %s as %s, but it is %s"
                  .formatted(user.get(), Spelling.symbol(symbol), type, weight.type()),
              "");
        }
      }
      case Result(Op op, int index, Type type) -> {
        if (!defined.contains(op)) {
          report(location, user.get() + " uses a result of " + op + " before its definition", "");
        } else if (!(op.type() instanceof Type.Tuple(var parts))
            || index >= parts.size()
            || !parts.get(index).equals(type)) {
          report(
              location,
              user.get() + " uses result " + index + " of " + text(op) + " as " + type,
              "");
        }
      }
      default -> {
        if (!defined.contains(value)) {
          var name = names.name(value);
          report(
              location,
              user.get()
                  + " uses "
                  + (name == null
                      ? value + ", which the function does not define"
                      : Spelling.value(name) + " before its definition"),
              "");
        }
        if (value instanceof Op op && op.type() instanceof Type.Tuple) {
          report(location, user.get() + " uses all results of " + text(op) + " as one value", "");
        }
      }
    }
  }

  private void results() {
    for (int i = 0; i < function.results().size(); i++) {
      int index = i;
      use(function.results().get(i), Location.unknown(), () -> "result " + index);
    }
  }

  private void names() {
    var seen = new HashMap<String, String>();
    for (var param : function.params()) {
      name(names.name(param), "a parameter", seen);
    }
    for (var op : function.body()) {
      for (var name : names.results(op)) {
        name(name, op.name(), seen);
      }
    }
  }

  private void name(@Nullable String name, String what, Map<String, String> seen) {
    var earlier = name == null ? null : seen.putIfAbsent(name, what);
    if (name != null && earlier != null) {
      report(
          Location.unknown(), Spelling.value(name) + " names both " + earlier + " and " + what, "");
    }
  }

  /** Dimension symbols of types must be declared. */
  private void type(Type type, Location location, Supplier<String> what) {
    if (!checkedTypes.add(type)) {
      return;
    }
    var pending = new ArrayList<Type>();
    pending.add(type);
    while (!pending.isEmpty()) {
      List<Dim> dims =
          switch (pending.removeLast()) {
            case Type.Tensor tensor -> tensor.dims();
            case Type.Batch(Dim tokens, Dim outputs) -> List.of(tokens, outputs);
            case Type.Tuple(var parts) -> {
              pending.addAll(parts);
              yield List.of();
            }
            case Type.Kv _ -> List.of();
          };
      for (var dim : dims) {
        for (var symbol : dim.symbols()) {
          if (!module.dims().containsKey(symbol)) {
            report(
                location,
                "the dimension " + symbol + " of " + what.get() + " is not declared",
                "declare it: 'dim " + symbol + " in [1, 8192]'");
          }
        }
      }
    }
  }

  /** {@code %y = add}. */
  private String text(Op op) {
    return value(op) + " = " + op.name();
  }

  private String value(Op op) {
    return String.join(", ", names.results(op).stream().map(Spelling::value).toList());
  }
}
