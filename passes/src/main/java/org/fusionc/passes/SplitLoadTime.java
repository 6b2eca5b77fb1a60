package org.fusionc.passes;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.op.BroadcastTo;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Iota;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.ir.rewrite.Rewriter;
import org.fusionc.ir.rewrite.Uses;

/**
 * {@code split-load-time}: f(weights) → {@code @w}, where {@code weight @w = { return f(weights)
 * }}. Each largest subexpression of static type that needs no parameter moves to a load-time
 * function, which runs once where the weights live. Bare weights, constants, and what merely
 * repeats elements stay.
 */
public final class SplitLoadTime implements Pass {
  private static final String NAME = "split-load-time";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String summary() {
    return "Turn what depends on weights alone into weights that are computed when loading.";
  }

  @Override
  public Module run(Module module, PassContext context) {
    var weights = new LinkedHashMap<>(module.weights());
    var known = new HashMap<Value, Weight>();
    module
        .weights()
        .values()
        .forEach(definition -> {
          if (definition.source() instanceof WeightSource.Computed(var f)) {
            known.putIfAbsent(
                f.results().getFirst(),
                module.graph().weight(definition.symbol(), definition.type()));
          }
        });
    var functions = new LinkedHashMap<String, Function>();
    module
        .functions()
        .forEach((name, function) -> {
          var replacements = new LinkedHashMap<Value, Value>();
          for (var root : roots(function)) {
            var weight = known.get(root);
            if (weight == null) {
              var symbol = symbol(function, root, weights.keySet());
              weight = module.graph().weight(symbol, root.type());
              weights.put(
                  symbol,
                  new Module.WeightDef(
                      symbol,
                      root.tensorType(),
                      new WeightSource.Computed(loadTime(module, function, root))));
              known.put(root, weight);
            }
            replacements.put(root, weight);
            context.fired(NAME, function, root, "computed when loading, as @" + weight.symbol());
          }
          functions.put(name, Rewriter.substitute(module.graph(), function, replacements));
        });
    return weights.size() == module.weights().size() && functions.equals(module.functions())
        ? module
        : module.withWeights(weights).withFunctions(functions);
  }

  /** The largest load-time values, in the order of the body. */
  private static List<Value> roots(Function function) {
    var loadTime = new HashSet<Op>();
    for (var op : function.body()) {
      if (isStatic(op.type())
          && op.bodies().isEmpty()
          && op.inputs().stream().allMatch(input -> isLoadTime(input, loadTime))) {
        loadTime.add(op);
      }
    }
    var uses = Uses.of(function);
    var roots = new LinkedHashMap<Value, Boolean>();
    for (var op : function.body()) {
      if (uses.isLive(op) && stays(op, loadTime)) {
        for (var input : op.inputs()) {
          var producer = Reachable.producer(input);
          if (producer != null && !stays(producer, loadTime)) {
            roots.put(input, true);
          }
        }
      }
    }
    for (var result : function.results()) {
      var producer = Reachable.producer(result);
      if (producer != null && !stays(producer, loadTime)) {
        roots.put(result, true);
      }
    }
    return List.copyOf(roots.sequencedKeySet());
  }

  private static boolean isStatic(Type type) {
    return switch (type) {
      case Type.Tensor tensor -> tensor.isStatic();
      case Type.Tuple tuple -> tuple.parts().stream().allMatch(SplitLoadTime::isStatic);
      default -> false;
    };
  }

  private static boolean isLoadTime(Value value, Set<Op> loadTime) {
    return value instanceof Weight || loadTime.contains(Reachable.producer(value));
  }

  /** Whether the op stays in the function: it is for run time, or costs less than it would take. */
  private static boolean stays(Op op, Set<Op> loadTime) {
    return !loadTime.contains(op)
        || switch (op) {
          case Constant _, Iota _, BroadcastTo _ -> true;
          default -> false;
        };
  }

  private static Function loadTime(Module module, Function from, Value root) {
    var builder = new FunctionBuilder(module.graph(), "");
    for (var op : Reachable.ops(List.of(root))) {
      builder.place(op);
      builder.notes().inherit(from.notes(), op, op);
      if (op.type() instanceof Type.Tuple tuple) {
        for (int i = 0; i < tuple.parts().size(); i++) {
          var result = module.graph().result(op, i);
          builder.notes().inherit(from.notes(), result, result);
        }
      }
    }
    return builder.build(root);
  }

  /** A name that does not depend on what else is in the module, unless it is taken. */
  private static String symbol(Function function, Value root, Set<String> taken) {
    var base = function.notes().name(root).orElseGet(() -> derived(root));
    var symbol = base;
    for (int i = 1; taken.contains(symbol); i++) {
      symbol = base + "." + i;
    }
    return symbol;
  }

  private static String derived(Value root) {
    var op = root instanceof Result result ? result.op() : (Op) root;
    var weights = new ArrayList<Weight>();
    for (var each : Reachable.ops(List.of(root))) {
      each.inputs().stream()
          .filter(Weight.class::isInstance)
          .map(Weight.class::cast)
          .forEach(weights::add);
    }
    return weights.isEmpty() ? op.name() : weights.getFirst().symbol() + "." + op.name();
  }
}
