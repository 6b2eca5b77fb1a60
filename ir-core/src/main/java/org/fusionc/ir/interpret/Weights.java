package org.fusionc.ir.interpret;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Location;

/** The weights that a function of a module uses, decoded or computed when it is made ready. */
final class Weights {
  private final Module module;
  private final WeightLoader loader;
  private final Map<String, Datum> ready = new HashMap<>();

  /** Loads and computes what the function uses, so that what is wrong shows now. */
  Weights(Module module, WeightLoader loader, Function function) {
    this.module = module;
    this.loader = loader;
    var used = uses(function);
    prepare(used);
    // What only computed weights needed is not needed any more.
    ready.keySet().retainAll(used.stream().map(Weight::symbol).collect(Collectors.toSet()));
  }

  /** An {@link Array}, or {@link Packed} if the weight is quantised. */
  Datum get(Weight weight) {
    var datum = ready.get(weight.symbol());
    if (datum == null) {
      throw new IllegalStateException("@" + weight.symbol() + " was not made ready");
    }
    return datum;
  }

  /** Makes weights ready, each after those that it is computed from. */
  private void prepare(List<Weight> wanted) {
    var stack = new ArrayDeque<>(wanted);
    Set<String> open = new HashSet<>();
    while (!stack.isEmpty()) {
      var weight = stack.peek();
      var missing =
          ready.containsKey(weight.symbol()) ? List.<Weight>of() : missing(definition(weight));
      if (missing.isEmpty()) {
        stack.pop();
        open.remove(weight.symbol());
        if (!ready.containsKey(weight.symbol())) {
          ready.put(weight.symbol(), evaluate(definition(weight)));
        }
      } else if (open.add(weight.symbol())) {
        missing.forEach(stack::push);
      } else {
        throw new Problem("the weight @" + weight.symbol() + " is computed from itself", "");
      }
    }
  }

  private Module.WeightDef definition(Weight weight) {
    var definition = module.weights().get(weight.symbol());
    if (definition == null) {
      throw new Problem("the module has no weight @" + weight.symbol(), "define it");
    }
    return definition;
  }

  /** What the weight is computed from and is not ready. */
  private List<Weight> missing(Module.WeightDef definition) {
    return definition.source() instanceof WeightSource.Computed(var function)
        ? uses(function).stream().filter(w -> !ready.containsKey(w.symbol())).toList()
        : List.of();
  }

  private Datum evaluate(Module.WeightDef definition) {
    if (definition.source() instanceof WeightSource.Computed(var function)) {
      return new Program(function, this).run(List.of(), Map.of()).getFirst();
    }
    try {
      var tensor = loader.load(definition);
      if (!tensor.type().equals(definition.type())) {
        throw new Problem(
            "the loaded tensor is %s, not %s".formatted(tensor.type(), definition.type()), "");
      }
      return Datum.of(tensor);
    } catch (Problem problem) {
      throw problem.at(Location.named("@" + definition.symbol()), "weight @" + definition.symbol());
    }
  }

  /** The weights that a function and the bodies in it use. */
  private static List<Weight> uses(Function function) {
    var used = new ArrayList<Weight>();
    var work = new ArrayDeque<Function>(List.of(function));
    while (!work.isEmpty()) {
      var next = work.pop();
      var values = new ArrayList<Value>(next.results());
      for (var op : next.body()) {
        values.addAll(op.inputs());
        work.addAll(op.bodies());
      }
      for (var value : values) {
        if (value instanceof Weight weight) {
          used.add(weight);
        }
      }
    }
    return used;
  }

  long bytes() {
    return ready.values().stream().mapToLong(Datum::bytes).sum();
  }
}
