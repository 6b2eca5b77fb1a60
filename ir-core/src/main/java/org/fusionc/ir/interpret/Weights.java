package org.fusionc.ir.interpret;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;

/** A module's weights, decoded or computed on first use and kept. */
final class Weights {
  private final Module module;
  private final WeightLoader loader;
  private final Map<String, Array> decoded = new HashMap<>();
  private final Set<String> computing = new HashSet<>();

  Weights(Module module, WeightLoader loader) {
    this.module = module;
    this.loader = loader;
  }

  Array get(Weight weight) {
    var known = decoded.get(weight.symbol());
    if (known != null) {
      return known;
    }
    var definition = module.weights().get(weight.symbol());
    if (definition == null) {
      throw new Problem("the module has no weight @" + weight.symbol(), "define it");
    }
    if (!computing.add(weight.symbol())) {
      throw new Problem("the weight @" + weight.symbol() + " is computed from itself", "");
    }
    var array =
        definition.source() instanceof WeightSource.Computed(var function)
            ? (Array) new Program(function, this).run(List.of(), Map.of()).getFirst()
            : Array.of(loader.load(definition));
    computing.remove(weight.symbol());
    decoded.put(weight.symbol(), array);
    return array;
  }

  /** Loads and computes what the function uses, so that what is wrong shows now. */
  void prepare(Function function) {
    for (var weight : uses(function)) {
      try {
        get(weight);
      } catch (Problem problem) {
        throw Diagnostic.failed(
                Location.named("@" + weight.symbol()),
                String.valueOf(problem.getMessage()),
                problem.remedy())
            .exception();
      }
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
    return decoded.values().stream().mapToLong(Array::bytes).sum();
  }
}
