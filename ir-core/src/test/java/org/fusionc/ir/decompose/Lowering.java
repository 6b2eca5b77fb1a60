package org.fusionc.ir.decompose;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Result;
import org.fusionc.ir.Value;
import org.jspecify.annotations.Nullable;

/** Replaces ops by their decompositions until none has one. */
final class Lowering {
  private final Graph graph;
  private final Function source;
  private final FunctionBuilder b;
  private final Map<Value, List<Value>> map = new HashMap<>();
  private boolean changed;

  private Lowering(Graph graph, Function source) {
    this.graph = graph;
    this.source = source;
    b = new FunctionBuilder(graph, source.name());
  }

  static Function lower(Graph graph, Function function) {
    var current = function;
    while (true) {
      var lowering = new Lowering(graph, current);
      var next = lowering.round();
      if (!lowering.changed) {
        return current;
      }
      current = next;
    }
  }

  private Function round() {
    for (Param param : source.params()) {
      map.put(param, List.of(b.param(source.notes().name(param).orElse("p"), param.type())));
    }
    for (var op : source.body()) {
      var operands = new ArrayList<@Nullable Value>();
      for (var operand : op.operands()) {
        operands.add(operand == null ? null : mapped(operand));
      }
      var candidate = graph.withOperands(op, operands);
      var lower = Decomposer.decompose(candidate, b);
      changed |= lower.isPresent();
      map.put(op, lower.orElseGet(() -> List.of(b.place(candidate))));
    }
    return b.build(source.results().stream().map(this::mapped).toList());
  }

  private Value mapped(Value value) {
    if (value instanceof Result(var op, int index, var type)) {
      var values = map.get(op);
      return values.size() > 1 ? values.get(index) : b.result((Op) values.getFirst(), index);
    }
    return map.containsKey(value) ? map.get(value).getFirst() : value;
  }
}
