package org.fusionc.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.WeightSource.Computed;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Spelling;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Plan;

/**
 * Checks that a module is one: every op against its schema, operands defined before use, weights
 * and dimensions declared, states appended to at most once, computed weights without cycles, and a
 * plan that speaks of what is there. What is checked does not depend on who made the module, a
 * person or a pass.
 */
public final class Verifier {
  private final Module module;
  private final List<Diagnostic> problems = new ArrayList<>();

  private Verifier(Module module) {
    this.module = module;
  }

  /** What is wrong with the module; empty if nothing is. */
  public static List<Diagnostic> verify(Module module) {
    var verifier = new Verifier(module);
    verifier.dims();
    verifier.weights();
    verifier.functions();
    module.plan().ifPresent(plan -> verifier.plan(plan));
    return List.copyOf(verifier.problems);
  }

  /**
   * The module itself, if nothing is wrong with it.
   *
   * @throws DiagnosticException with everything that is wrong
   */
  public static Module check(Module module) {
    var problems = verify(module);
    if (!problems.isEmpty()) {
      throw new DiagnosticException(problems);
    }
    return module;
  }

  private void report(Location location, String message, String remedy) {
    problems.add(Diagnostic.invalid(location, message, remedy));
  }

  private void dims() {
    module
        .dims()
        .forEach((symbol, bounds) -> {
          if (bounds.min() > bounds.max() || bounds.min() < 0) {
            report(
                Location.unknown(),
                "dimension %s has the bounds [%d, %d]"
                    .formatted(symbol, bounds.min(), bounds.max()),
                "the lower one must not be negative, nor above the upper one");
          }
        });
  }

  private void weights() {
    module
        .weights()
        .forEach((symbol, weight) -> {
          var title = "weight " + Spelling.symbol(symbol);
          if (!weight.symbol().equals(symbol)) {
            report(
                Location.unknown(),
                title + " is kept under another name: " + Spelling.symbol(weight.symbol()),
                "");
          }
          if (!weight.type().isStatic()) {
            report(
                Location.unknown(),
                title + " is " + weight.type(),
                "a weight's dimensions are numbers");
          }
          if (weight.source() instanceof Computed(Function function)) {
            computed(title, weight, function);
          }
        });
    cycles();
  }

  private void computed(String title, Module.WeightDef weight, Function function) {
    function(title, function);
    if (!function.params().isEmpty()) {
      report(
          Location.unknown(),
          title + " is computed from parameters",
          "compute it from weights alone");
    }
    if (!function.resultTypes().equals(List.of(weight.type()))) {
      report(
          Location.unknown(),
          "%s is %s, but what computes it returns %s"
              .formatted(title, weight.type(), new Type.Tuple(function.resultTypes())),
          "return one value of the weight's type");
    }
  }

  /** Computed weights that need each other could never be loaded. */
  private void cycles() {
    var uses = new HashMap<String, Set<String>>();
    var users = new HashMap<String, List<String>>();
    module
        .weights()
        .forEach((symbol, weight) -> {
          var used = new HashSet<String>();
          if (weight.source() instanceof Computed(Function function)) {
            used.addAll(FunctionVerifier.weightsOf(function));
            used.retainAll(module.weights().keySet());
          }
          used.forEach(u -> users.computeIfAbsent(u, k -> new ArrayList<>()).add(symbol));
          uses.put(symbol, used);
        });
    var ready = new ArrayList<String>();
    uses.forEach((symbol, used) -> {
      if (used.isEmpty()) {
        ready.add(symbol);
      }
    });
    while (!ready.isEmpty()) {
      var symbol = ready.removeLast();
      uses.remove(symbol);
      for (var user : users.getOrDefault(symbol, List.of())) {
        var left = uses.get(user);
        if (left != null && left.remove(symbol) && left.isEmpty()) {
          ready.add(user);
        }
      }
    }
    if (!uses.isEmpty()) {
      var names = uses.keySet().stream().sorted().map(Spelling::symbol).toList();
      report(
          Location.unknown(),
          "computed weights need each other in a circle: " + String.join(", ", names),
          "compute each from weights that are there before it");
    }
  }

  private void functions() {
    module
        .functions()
        .forEach((name, function) -> {
          if (!function.name().equals(name)) {
            report(
                Location.unknown(),
                "function "
                    + Spelling.symbol(name)
                    + " is kept under another name: "
                    + Spelling.symbol(function.name()),
                "");
          }
          function("function " + Spelling.symbol(name), function);
        });
  }

  /** A function and the bodies within it, however deep they nest. */
  private void function(String title, Function function) {
    problems.addAll(FunctionVerifier.verify(title, function, module));
    var pending = new ArrayList<Op>(function.body());
    while (!pending.isEmpty()) {
      for (var body : pending.removeLast().bodies()) {
        problems.addAll(FunctionVerifier.verify("a body in " + title, body, module));
        pending.addAll(body.body());
      }
    }
  }

  private void plan(Plan plan) {
    var names = new HashMap<String, Set<String>>();
    for (var stage : plan.stages()) {
      var function = module.functions().get(stage.function());
      if (function == null) {
        if (!module.functions().isEmpty()) {
          report(
              stage.origin().location(),
              "stage %d runs %s, which the module has not"
                  .formatted(stage.index(), Spelling.symbol(stage.function())),
              Suggestion.didYouMean(stage.function(), module.functions().keySet(), ""));
        }
        continue;
      }
      if (stage.through().isPresent()) {
        var known = names.computeIfAbsent(stage.function(), f -> ValueNames.of(function).all());
        value(stage.through().get(), known, stage.origin().location(), stage.function());
      }
    }
  }

  private void value(String name, Set<String> known, Location location, String function) {
    if (!known.contains(name)) {
      report(
          location,
          "the stage ends with %s, which %s has not"
              .formatted(Spelling.value(name), Spelling.symbol(function)),
          Suggestion.nearest(name, known)
              .map(near -> "did you mean '" + Spelling.value(near) + "'?")
              .orElse("'fusionc print' shows the names that it has"));
    }
  }
}
