package org.fusionc.passes;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Attention;
import org.fusionc.ir.op.KvAppend;
import org.fusionc.ir.op.LayerNorm;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.RmsNorm;
import org.fusionc.ir.op.Rope;
import org.fusionc.ir.op.RopeAttention;
import org.fusionc.ir.op.RopeKvAppend;
import org.fusionc.ir.rewrite.Reachable;

/**
 * {@code merge-qkv}: the projections of one x to queries, keys and values → one linear on the
 * weights one below the other, and its slices. One long product keeps all cores busy where three
 * short ones do not.
 */
public final class MergeQkv extends MergeLinears {
  @Override
  public String name() {
    return "merge-qkv";
  }

  @Override
  public String summary() {
    return "Merge the query, key and value projections of one input.";
  }

  @Override
  List<? extends Collection<Linear>> candidates(Function function) {
    var groups = new ArrayList<SequencedSet<Linear>>();
    var keysAndValues = new LinkedHashSet<Linear>();
    for (var op : function.body()) {
      switch (op) {
        case KvAppend append -> {
          collect(append.k(), keysAndValues);
          collect(append.v(), keysAndValues);
        }
        case RopeKvAppend append -> {
          collect(append.k(), keysAndValues);
          collect(append.v(), keysAndValues);
        }
        case Attention attention -> groups.add(layer(attention.q(), keysAndValues));
        case RopeAttention attention -> groups.add(layer(attention.q(), keysAndValues));
        default -> {}
      }
    }
    return groups;
  }

  /** The layer's linears, queries first; forgets those that were appended. */
  private static SequencedSet<Linear> layer(Value q, Set<Linear> keysAndValues) {
    var group = new LinkedHashSet<Linear>();
    collect(q, group);
    group.addAll(keysAndValues);
    keysAndValues.clear();
    return group;
  }

  /** Adds the linears that a value comes from by way of layout, norms and rotation alone. */
  private static void collect(Value value, Set<Linear> linears) {
    var seen = new HashSet<Op>();
    var todo = new ArrayList<Value>(List.of(value));
    while (!todo.isEmpty()) {
      var op = Reachable.producer(todo.removeLast());
      if (op == null || !seen.add(op)) {
        continue;
      }
      switch (op) {
        case Linear linear -> linears.add(linear);
        case Rope rope -> todo.add(rope.x());
        case RmsNorm norm -> todo.add(norm.x());
        case LayerNorm norm -> todo.add(norm.x());
        case Trait.Layout layout -> todo.addAll(layout.inputs().reversed());
        case Trait.Elementwise elementwise -> todo.addAll(elementwise.inputs().reversed());
        default -> {}
      }
    }
  }
}
