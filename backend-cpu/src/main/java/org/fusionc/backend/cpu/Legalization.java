package org.fusionc.backend.cpu;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.decompose.Decomposer;
import org.jspecify.annotations.Nullable;

/**
 * op → its decomposition, where no kernel runs the op but it has one. What has neither stays, for
 * the compiler to report with its name and place.
 */
final class Legalization {
  private Legalization() {}

  static Module run(Module module, String function, Tier tier) {
    var legal = module.withFunction(legal(module, module.function(function), tier));
    var weights = new LinkedHashMap<String, WeightDef>();
    for (var weight : legal.weights().values()) {
      weights.put(
          weight.symbol(),
          weight.source() instanceof WeightSource.Computed(var body)
              ? new WeightDef(
                  weight.symbol(),
                  weight.type(),
                  new WeightSource.Computed(legal(module, body, tier)))
              : weight);
    }
    return legal.withWeights(weights);
  }

  private static Function legal(Module module, Function function, Tier tier) {
    if (function.body().stream()
        .allMatch(op -> KernelTable.choose(op, tier) instanceof Choice.Kernel)) {
      return function;
    }
    var builder = new FunctionBuilder(module.graph(), function.name());
    var replaced = new HashMap<Value, Value>();
    for (var param : function.params()) {
      var name = function.notes().name(param).orElse("");
      replaced.put(param, builder.param(name, param.type()));
    }
    for (Op op : function.body()) {
      var operands =
          op.operands().stream()
              .<@Nullable Value>map(v -> v == null ? null : replaced.getOrDefault(v, v))
              .toList();
      var mapped = module.graph().withOperands(op, operands);
      builder.at(function.notes().location(op));
      var values =
          KernelTable.choose(mapped, tier) instanceof Choice.Kernel
              ? results(module, builder.place(mapped))
              : Decomposer.decompose(mapped, builder)
                  .<List<? extends Value>>map(parts -> parts)
                  .orElseGet(() -> results(module, builder.place(mapped)));
      var old = results(module, op);
      for (int i = 0; i < old.size(); i++) {
        replaced.put(old.get(i), values.get(i));
        builder.notes().inherit(function.notes(), old.get(i), values.get(i));
      }
    }
    var results = function.results().stream().map(v -> replaced.getOrDefault(v, v)).toList();
    return builder.build(results);
  }

  private static List<? extends Value> results(Module module, Op op) {
    if (!(op.type() instanceof Type.Tuple tuple)) {
      return List.of(op);
    }
    var results = new java.util.ArrayList<Value>();
    for (int i = 0; i < tuple.parts().size(); i++) {
      results.add(module.graph().result(op, i));
    }
    return results;
  }
}
