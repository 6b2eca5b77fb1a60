package org.fusionc.ir;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.fusionc.ir.plan.Plan;

/**
 * A module: symbolic dimensions with their bounds, weights, functions, and at most one plan, in the
 * order in which they were written. Immutable; {@code with…} gives a changed copy.
 *
 * @param dims bounds by symbol
 * @param weights by symbol, without the {@code @}
 * @param functions by name, without the {@code @}
 * @param comments comment lines by the item they stand above: {@code dim T}, {@code weight x},
 *     {@code func f}, {@code plan p}
 */
public record Module(
    Graph graph,
    Map<String, Bounds> dims,
    Map<String, WeightDef> weights,
    Map<String, Function> functions,
    Optional<Plan> plan,
    Map<String, List<String>> comments) {

  /** Inclusive bounds of a symbolic dimension. */
  public record Bounds(long min, long max) {}

  /** A weight: its type, which is static, and where it comes from. */
  public record WeightDef(String symbol, Type.Tensor type, WeightSource source) {}

  public Module {
    dims = Collections.unmodifiableMap(new LinkedHashMap<>(dims));
    weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
    functions = Collections.unmodifiableMap(new LinkedHashMap<>(functions));
    comments = Collections.unmodifiableMap(new LinkedHashMap<>(comments));
  }

  public static Module empty(Graph graph) {
    return new Module(graph, Map.of(), Map.of(), Map.of(), Optional.empty(), Map.of());
  }

  /** The function of that name, which must be there. */
  public Function function(String name) {
    var function = functions.get(name);
    if (function == null) {
      throw new IllegalArgumentException("the module has no function @" + name);
    }
    return function;
  }

  public Module withDim(String symbol, Bounds bounds) {
    var all = new LinkedHashMap<>(dims);
    all.put(symbol, bounds);
    return new Module(graph, all, weights, functions, plan, comments);
  }

  public Module withWeights(Map<String, WeightDef> all) {
    return new Module(graph, dims, all, functions, plan, comments);
  }

  /** Adds the function, or replaces the one of its name in its place. */
  public Module withFunction(Function function) {
    var all = new LinkedHashMap<>(functions);
    all.put(function.name(), function);
    return withFunctions(all);
  }

  public Module withFunctions(Map<String, Function> all) {
    return new Module(graph, dims, weights, all, plan, comments);
  }

  public Module withPlan(Plan other) {
    return new Module(graph, dims, weights, functions, Optional.of(other), comments);
  }

  /** Equality of what is computed: the graph object and comments do not count. */
  public boolean sameAs(Module other) {
    return dims.equals(other.dims)
        && weights.equals(other.weights)
        && functions.equals(other.functions)
        && plan.equals(other.plan);
  }
}
