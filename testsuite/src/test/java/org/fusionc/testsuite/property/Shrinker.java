package org.fusionc.testsuite.property;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.fusionc.ir.DType;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.jspecify.annotations.Nullable;

/**
 * Makes a module that shows a failure small: single results, ops cut out of the graph and made
 * parameters or replaced by one of their operands, unused ops, parameters and weights dropped, for
 * as long as it still fails.
 */
final class Shrinker {
  private final Predicate<Module> fails;

  Shrinker(Predicate<Module> fails) {
    this.fails = fails;
  }

  /** The smallest module found; it fails. */
  Module shrink(Module module) {
    var smallest = module;
    boolean progress = true;
    while (progress) {
      progress = false;
      for (var candidate : candidates(smallest)) {
        if (size(candidate) < size(smallest) && fails.test(candidate)) {
          smallest = candidate;
          progress = true;
          break;
        }
      }
    }
    return smallest;
  }

  private static long size(Module module) {
    var function = module.function("main");
    long operands = function.body().stream().mapToLong(op -> op.inputs().size()).sum();
    long notes =
        function.notes().names().size()
            + function.body().stream().filter(op -> isNoted(function, op)).count();
    return 1000L * function.body().size()
        + 100L * function.results().size()
        + 10L * (operands + function.params().size())
        + module.weights().size()
        + notes;
  }

  private static boolean isNoted(Function function, Op op) {
    return !function.notes().comments(op).isEmpty() || function.notes().location(op).isKnown();
  }

  private static List<Module> candidates(Module module) {
    var function = module.function("main");
    var all = new ArrayList<Module>();
    for (var result : function.results()) {
      if (function.results().size() > 1) {
        all.add(rebuilt(module, List.of(result), Map.of(), true));
      }
    }
    for (int i = 0; function.results().size() > 1 && i < function.results().size(); i++) {
      var fewer = new ArrayList<>(function.results());
      fewer.remove(i);
      all.add(rebuilt(module, fewer, Map.of(), true));
    }
    for (var op : function.body().reversed()) {
      for (var input : op.inputs()) {
        if (input.type().equals(op.type())) {
          all.add(rebuilt(module, function.results(), Map.of(op, input), true));
        }
      }
    }
    for (var op : function.body()) {
      var cut = cut(module, op);
      if (cut.keySet().stream().allMatch(Shrinker::canBeParameter)) {
        all.add(rebuilt(module, function.results(), cut, true));
      }
    }
    all.add(rebuilt(module, function.results(), Map.of(), true));
    all.add(rebuilt(module, function.results(), Map.of(), false));
    return all;
  }

  /** Random inputs are never quantised: such a value stays what it is made from. */
  private static boolean canBeParameter(Value value) {
    return !(value.type() instanceof Type.Tensor tensor
        && tensor.dtype() instanceof DType.Quantized);
  }

  /** Replaces the op's results by parameters, which stand for themselves: absent in the map. */
  private static Map<Value, @Nullable Value> cut(Module module, Op op) {
    var replaced = new HashMap<Value, @Nullable Value>();
    if (op.type() instanceof Type.Tuple(var parts)) {
      for (int i = 0; i < parts.size(); i++) {
        replaced.put(module.graph().result(op, i), null);
      }
    } else {
      replaced.put(op, null);
    }
    return replaced;
  }

  /**
   * The module with only what the results need; a replaced value is another one, or a new parameter
   * where the map has null for it.
   */
  private static Module rebuilt(
      Module module,
      List<Value> results,
      Map<? extends Value, ? extends @Nullable Value> replaced,
      boolean keepsNotes) {
    var function = module.function("main");
    var needed = new HashSet<Value>();
    var open = new ArrayList<Value>(results);
    while (!open.isEmpty()) {
      var value = open.removeLast();
      if (!needed.add(value)) {
        continue;
      }
      if (replaced.containsKey(value)) {
        var other = replaced.get(value);
        if (other != null) {
          open.add(other);
        }
      } else if (value instanceof Op op) {
        open.addAll(op.inputs());
      } else if (value instanceof Result result) {
        open.add(result.op());
      }
    }
    var builder = new FunctionBuilder(module.graph(), "main");
    var now = new HashMap<Value, Value>();
    for (var param : function.params()) {
      if (needed.contains(param)) {
        now.put(param, builder.param(name(function, param), param.type()));
      }
    }
    for (var op : function.body()) {
      for (var value : cutValues(op, replaced)) {
        if (needed.contains(value) && replaced.get(value) == null) {
          now.put(value, builder.param("cut" + now.size(), value.type()));
        }
      }
    }
    for (var op : function.body()) {
      if (!needed.contains(op)) {
        continue;
      }
      if (replaced.containsKey(op)) {
        var other = replaced.get(op);
        if (other != null) {
          now.put(op, moved(other, module, now));
        }
        continue;
      }
      var operands = new ArrayList<@Nullable Value>();
      op.operands().forEach(o -> operands.add(o == null ? null : moved(o, module, now)));
      var moved = builder.place(module.graph().withOperands(op, operands));
      now.put(op, moved);
      if (keepsNotes) {
        builder.notes().inherit(function.notes(), op, moved);
      }
    }
    var weights = new LinkedHashMap<>(module.weights());
    weights.keySet().removeIf(s -> needed.stream().noneMatch(v -> isWeight(v, s)));
    return module
        .withWeights(weights)
        .withFunction(builder.build(results.stream().map(r -> moved(r, module, now)).toList()));
  }

  private static List<Value> cutValues(Op op, Map<? extends Value, ?> replaced) {
    var all = new ArrayList<Value>();
    for (var value : replaced.keySet()) {
      if (value.equals(op) || (value instanceof Result result && result.op().equals(op))) {
        all.add(value);
      }
    }
    return all;
  }

  private static boolean isWeight(Value value, String symbol) {
    return value instanceof Weight weight && weight.symbol().equals(symbol);
  }

  private static Value moved(Value value, Module module, Map<Value, Value> now) {
    var known = now.get(value);
    if (known != null) {
      return known;
    }
    return switch (value) {
      case Weight weight -> weight;
      case Result result ->
          module.graph().result((Op) Objects.requireNonNull(now.get(result.op())), result.index());
      default -> throw new IllegalStateException("not placed: " + value);
    };
  }

  private static String name(Function function, Param param) {
    return function.notes().name(param).orElse("p" + param.index());
  }
}
