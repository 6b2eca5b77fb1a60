package org.fusionc.partitioner;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.Weight;
import org.fusionc.partitioner.cost.Liveness;

/**
 * Cuts a function at positions into one function per stage.
 *
 * <p>A stage's parameters are, in this order: the batch, and whichever other parameters of the
 * whole that are no states (the ids) its ops read; the tensors that cross the cut before it, and
 * the states that its own ops touch. Its results are the tensors that cross the cut after it (for
 * the last stage: the results of the whole that are no states), and then its states. So a stage's
 * tensors out are, in order, the next one's tensors in; a tensor that only a later stage needs is
 * passed through. What depends on weights alone is computed in every stage that uses it.
 */
final class StageFunctions {
  private final Graph graph;
  private final Liveness liveness;
  private final Function whole;
  private final ValueNames names;

  StageFunctions(Graph graph, Liveness liveness) {
    this.graph = graph;
    this.liveness = liveness;
    whole = liveness.function();
    names = ValueNames.of(whole);
  }

  /**
   * @param from position of the stage's first step
   * @param to position after its last
   */
  Function build(String name, int from, int to) {
    var builder = new FunctionBuilder(graph, name);
    var replacements = new HashMap<Value, Value>();
    var read =
        needed(from, to).stream().flatMap(op -> op.inputs().stream()).collect(Collectors.toSet());
    for (var param : whole.params()) {
      if (param.type() instanceof Type.Batch || (!param.type().isState() && read.contains(param))) {
        replacements.put(param, builder.param(nameOf(param), param.type()));
      }
    }
    for (var value : liveness.crossing(from)) {
      replacements.put(value, builder.param(nameOf(value), value.type()));
    }
    for (var param : whole.params()) {
      if (param.type().isState() && ownsState(param, from, to)) {
        replacements.put(param, builder.param(nameOf(param), param.type()));
      }
    }
    copyOps(builder, replacements, from, to);

    var results = new ArrayList<Value>();
    if (to < liveness.size()) {
      for (var value : liveness.crossing(to)) {
        // The next stage knows it by this name, whether or not a person gave it one.
        results.add(builder.name(replaced(replacements, value), nameOf(value)));
      }
    } else {
      whole.results().stream()
          .filter(value -> !value.type().isState())
          .forEach(value -> results.add(replaced(replacements, value)));
    }
    for (var value : whole.results()) {
      if (value.type().isState()
          && liveness.origin(value).filter(param -> ownsState(param, from, to)).isPresent()) {
        results.add(replaced(replacements, value));
      }
    }
    return builder.build(results);
  }

  private String nameOf(Value value) {
    return Objects.requireNonNull(names.name(value));
  }

  /** A state that no step touches stays with the first stage. */
  private boolean ownsState(Param param, int from, int to) {
    int touch = liveness.firstTouch(param).orElse(0);
    return from <= touch && touch < to;
  }

  private void copyOps(FunctionBuilder builder, Map<Value, Value> replacements, int from, int to) {
    var needed = needed(from, to);
    for (var op : whole.body()) {
      if (!needed.contains(op)) {
        continue;
      }
      var operands = new ArrayList<Value>();
      for (var operand : op.operands()) {
        operands.add(operand == null ? null : replaced(replacements, operand));
      }
      var copy = builder.place(graph.withOperands(op, operands));
      replacements.put(op, copy);
      builder.notes().inherit(whole.notes(), op, copy);
      for (var value : liveness.values(op)) {
        if (value instanceof Result(_, int index, _)) {
          var projection = graph.result(copy, index);
          replacements.put(value, projection);
          builder.notes().inherit(whole.notes(), value, projection);
        }
      }
    }
  }

  /** The stage's steps, and what of weights alone they and its results read. */
  private Set<Op> needed(int from, int to) {
    var needed = new HashSet<Op>(liveness.steps().subList(from, to));
    var pending = new LinkedHashSet<Value>();
    needed.forEach(op -> pending.addAll(op.inputs()));
    if (to == liveness.size()) {
      pending.addAll(whole.results());
    }
    while (!pending.isEmpty()) {
      Liveness.producer(pending.removeFirst())
          .filter(op -> liveness.position(op).isEmpty())
          .filter(needed::add)
          .ifPresent(op -> pending.addAll(op.inputs()));
    }
    return needed;
  }

  private static Value replaced(Map<Value, Value> replacements, Value value) {
    if (value instanceof Weight) {
      return value;
    }
    var replacement = replacements.get(value);
    if (replacement == null) {
      throw new IllegalStateException("the stage lacks " + value);
    }
    return replacement;
  }
}
