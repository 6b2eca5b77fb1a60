package org.fusionc.ir.rewrite;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Value;

/** Who uses a function's values. Ops that no result of the function needs do not count. */
public final class Uses {
  private final Set<Op> live;
  private final Map<Value, List<Op>> users = new HashMap<>();
  private final Map<Value, Integer> counts = new HashMap<>();
  private final Set<Value> returned;

  private Uses(Function function) {
    live = Reachable.ops(function.results());
    returned = new HashSet<>(function.results());
    for (var op : function.body()) {
      if (live.contains(op)) {
        for (var input : op.inputs()) {
          users.computeIfAbsent(input, v -> new ArrayList<>()).add(op);
          add(input);
        }
      }
    }
    function.results().forEach(this::add);
  }

  public static Uses of(Function function) {
    return new Uses(function);
  }

  private void add(Value value) {
    counts.merge(value, 1, Integer::sum);
    if (value instanceof Result result) {
      counts.merge(result.op(), 1, Integer::sum);
    }
  }

  /** How often the value is an operand or a result of the function. */
  public int count(Value value) {
    return counts.getOrDefault(value, 0);
  }

  /** The live ops that have the value as an operand, in order; twice if they have it twice. */
  public List<Op> users(Value value) {
    return users.getOrDefault(value, List.of());
  }

  /** Whether a result of the function needs the op. */
  public boolean isLive(Op op) {
    return live.contains(op);
  }

  /** Whether the value is a result of the function. */
  public boolean isReturned(Value value) {
    return returned.contains(value);
  }
}
