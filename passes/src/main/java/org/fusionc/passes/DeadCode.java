package org.fusionc.passes;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Notes;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.rewrite.Reachable;

/**
 * {@code dce}: an op that no result needs goes; a weight that no function reads goes, and with it
 * what it is computed from, if nothing else reads that.
 */
public final class DeadCode implements Pass {
  @Override
  public String name() {
    return "dce";
  }

  @Override
  public String summary() {
    return "Remove ops that no result needs, and weights that no function reads.";
  }

  @Override
  public Module run(Module module, PassContext context) {
    var functions = new LinkedHashMap<String, Function>();
    module.functions().forEach((name, f) -> functions.put(name, withoutDeadOps(f, context)));
    var weights = new LinkedHashMap<>(module.weights());
    weights.replaceAll((symbol, weight) ->
        weight.source() instanceof WeightSource.Computed(var f)
            ? new Module.WeightDef(
                symbol, weight.type(), new WeightSource.Computed(withoutDeadOps(f, context)))
            : weight);
    var needed = neededWeights(module.withFunctions(functions).withWeights(weights));
    context.count("weights removed", weights.size() - needed.size());
    weights.keySet().retainAll(needed);
    return module.withFunctions(functions).withWeights(weights);
  }

  private static Function withoutDeadOps(Function function, PassContext context) {
    var live = Reachable.ops(function.results());
    var body = function.body().stream().filter(live::contains).toList();
    if (body.size() == function.body().size()) {
      return function;
    }
    context.count("ops removed", function.body().size() - body.size());
    return new Function(
        function.name(), function.params(), body, function.results(), notesOf(function, body));
  }

  private static Notes notesOf(Function function, List<Op> body) {
    var notes = new Notes();
    var kept = new HashSet<Object>(body);
    kept.addAll(function.params());
    function
        .notes()
        .names()
        .forEach((value, name) -> {
          if (kept.contains(value instanceof Result result ? result.op() : value)) {
            notes.name(value, name);
          }
        });
    function.params().forEach(param -> notes.inherit(function.notes(), param, param));
    body.forEach(op -> notes.inherit(function.notes(), op, op));
    notes.trailing(function.notes().trailing());
    return notes;
  }

  private static Set<String> neededWeights(Module module) {
    var needed = new HashSet<String>();
    var todo = new ArrayDeque<Function>(module.functions().values());
    while (!todo.isEmpty()) {
      for (var weight : Reachable.weights(todo.pop())) {
        var definition = module.weights().get(weight.symbol());
        if (needed.add(weight.symbol())
            && definition != null
            && definition.source() instanceof WeightSource.Computed(var f)) {
          todo.push(f);
        }
      }
    }
    return needed;
  }
}
