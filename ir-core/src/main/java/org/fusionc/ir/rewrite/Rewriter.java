package org.fusionc.ir.rewrite;

import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Value;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/**
 * Applies rules to functions until none fires. Each sweep walks the ordered body once; new ops
 * stand right before the op that they replace; ops that the rules made dead go, others stay. Bodies
 * of ops and the load-time functions of computed weights are rewritten too.
 */
public final class Rewriter {
  /** Sweeps beyond this many mean that rules undo each other. */
  private static final int MAX_SWEEPS = 10_000;

  private final Graph graph;
  private final List<Rule> rules;
  private final RewriteListener listener;

  public Rewriter(Graph graph, List<Rule> rules, RewriteListener listener) {
    this.graph = graph;
    this.rules = List.copyOf(rules);
    this.listener = listener;
  }

  /**
   * The module with every function rewritten.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a rule keeps firing for ever or
   *     replaces a value by one of another type
   */
  public Module rewrite(Module module) {
    var weights = new LinkedHashMap<String, Module.WeightDef>();
    module
        .weights()
        .forEach((symbol, weight) ->
            weights.put(
                symbol,
                weight.source() instanceof WeightSource.Computed(var function)
                    ? new Module.WeightDef(
                        symbol, weight.type(), new WeightSource.Computed(rewrite(function)))
                    : weight));
    var functions = new LinkedHashMap<String, Function>();
    module.functions().forEach((name, function) -> functions.put(name, rewrite(function)));
    return module.withWeights(weights).withFunctions(functions);
  }

  /** The function rewritten, with the bodies of its ops; the very same one if no rule fires. */
  public Function rewrite(Function function) {
    var bodies = new IdentityHashMap<Function, Function>();
    for (var body : Reachable.nested(function)) {
      bodies.put(body, toRest(body, bodies));
    }
    return toRest(function, bodies);
  }

  private Function toRest(Function function, Map<Function, Function> bodies) {
    var current = function;
    long fuel = 1000 + 64L * function.body().size();
    for (int i = 0; i < MAX_SWEEPS; i++) {
      var sweep = new Sweep(graph, current, rules, Map.of(), bodies, listener, fuel);
      var next = sweep.run();
      fuel = sweep.fuel();
      if (!sweep.hasChanged()) {
        sweep.tellNearly();
        return current;
      }
      current = next;
    }
    throw Diagnostic.failed(
            Location.unknown(),
            "the rules %s undo each other: @%s still changes after %d sweeps"
                .formatted(rules.stream().map(Rule::name).toList(), function.name(), MAX_SWEEPS),
            "this is an error in the rules")
        .exception();
  }

  /**
   * The function with values replaced by others of equal value and type, which are built over the
   * function's own values. A replacement may use what it replaces.
   */
  public static Function substitute(
      Graph graph, Function function, Map<? extends Value, ? extends Value> replacements) {
    return substitute(graph, function, replacements, Map.of());
  }

  /**
   * As above, with names for new values that inherit none.
   *
   * @param names without the {@code %}; in the order in which they are given out
   */
  public static Function substitute(
      Graph graph,
      Function function,
      Map<? extends Value, ? extends Value> replacements,
      Map<? extends Value, String> names) {
    if (replacements.isEmpty()) {
      return function;
    }
    var sweep =
        new Sweep(graph, function, List.of(), replacements, Map.of(), RewriteListener.NONE, 0);
    names.forEach(sweep::propose);
    return sweep.run();
  }
}
