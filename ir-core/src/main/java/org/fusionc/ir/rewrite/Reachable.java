package org.fusionc.ir.rewrite;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.jspecify.annotations.Nullable;

/** What values are made of. */
public final class Reachable {
  private Reachable() {}

  /** The ops that the values need, themselves included, operands before their users. */
  public static SequencedSet<Op> ops(Collection<? extends Value> roots) {
    var done = new LinkedHashSet<Op>();
    var entered = new HashSet<Op>();
    var stack = new ArrayDeque<Op>();
    for (var root : roots) {
      push(root, done, stack);
      while (!stack.isEmpty()) {
        var op = stack.peek();
        if (entered.add(op)) {
          op.inputs().reversed().forEach(input -> push(input, done, stack));
        } else {
          done.add(stack.pop());
        }
      }
    }
    return done;
  }

  private static void push(Value value, Set<Op> done, ArrayDeque<Op> stack) {
    var op = producer(value);
    if (op != null && !done.contains(op)) {
      stack.push(op);
    }
  }

  /** The op that makes the value; null for a leaf. */
  public static @Nullable Op producer(Value value) {
    return switch (value) {
      case Op op -> op;
      case Result result -> result.op();
      default -> null;
    };
  }

  /** The weights that a function reads, in bodies of ops too, in the order of their first use. */
  public static SequencedSet<Weight> weights(Function function) {
    var weights = new LinkedHashSet<Weight>();
    var functions = new ArrayList<>(nested(function));
    functions.add(function);
    for (var each : functions) {
      for (var op : each.body()) {
        op.inputs().forEach(input -> addWeight(input, weights));
      }
      each.results().forEach(result -> addWeight(result, weights));
    }
    return weights;
  }

  private static void addWeight(Value value, Set<Weight> weights) {
    if (value instanceof Weight weight) {
      weights.add(weight);
    }
  }

  /** The functions that ops of this one hold, and ops of those, innermost first. */
  public static List<Function> nested(Function function) {
    var order = new ArrayList<Function>();
    Set<Function> entered = Collections.newSetFromMap(new IdentityHashMap<>());
    Set<Function> done = Collections.newSetFromMap(new IdentityHashMap<>());
    var stack = new ArrayDeque<Function>();
    stack.push(function);
    while (!stack.isEmpty()) {
      var top = stack.peek();
      if (entered.add(top)) {
        for (var op : top.body()) {
          op.bodies().stream().filter(body -> !entered.contains(body)).forEach(stack::push);
        }
      } else {
        stack.pop();
        if (done.add(top)) {
          order.add(top);
        }
      }
    }
    order.removeLast();
    return order;
  }
}
