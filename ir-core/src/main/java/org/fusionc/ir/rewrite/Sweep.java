package org.fusionc.ir.rewrite;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Result;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/**
 * One walk over a function's body. Every value met, old or new, is mapped to its final one, which
 * maps to itself. Replacements are equal in value, so it does no harm that an old and a new value
 * may be one object. The walk keeps its own stack: neither a deep graph nor a rule that unfolds a
 * long chain deepens Java's.
 */
@SuppressWarnings("ReferenceEquality") // values are interned: equality is identity
final class Sweep {
  /** What is left to do for a value. */
  private sealed interface Task {
    record Enter(Value value) implements Task {}

    record Finish(Op op) implements Task {}

    record Alias(Value old, Value replacement) implements Task {}
  }

  private record Near(Rule rule, Op op, String reason) {}

  private final Graph graph;
  private final Function source;
  private final List<Rule> rules;
  private final Map<Value, Value> replacements;
  private final Map<Function, Function> bodies;
  private final RewriteListener listener;
  private long fuel;

  private final Map<Value, Value> map = new HashMap<>();
  private final List<Op> out = new ArrayList<>();
  private final Set<Op> sourceOps;
  private final Uses sourceUses;
  private final Map<Value, Integer> extraUses = new HashMap<>();
  private final Map<Op, Op> origins = new HashMap<>();
  private final Map<Value, String> proposals = new LinkedHashMap<>();
  private final Map<Value, Value> late = new LinkedHashMap<>();
  private final List<Near> near = new ArrayList<>();
  private final ArrayDeque<Task> tasks = new ArrayDeque<>();
  private final Rewriting context = new Rewriting(this);
  private final List<Op> builtNow = new ArrayList<>();
  private final Map<Value, Value> alsoNow = new LinkedHashMap<>();
  private Location location = Location.unknown();
  private @Nullable Rule ruleNow;
  private boolean changed;

  Sweep(
      Graph graph,
      Function source,
      List<Rule> rules,
      Map<? extends Value, ? extends Value> replacements,
      Map<Function, Function> bodies,
      RewriteListener listener,
      long fuel) {
    this.graph = graph;
    this.source = source;
    this.rules = rules;
    this.replacements = new HashMap<>(replacements);
    this.bodies = bodies;
    this.listener = listener;
    this.fuel = fuel;
    sourceOps = new HashSet<>(source.body());
    sourceUses = Uses.of(source);
  }

  boolean hasChanged() {
    return changed;
  }

  long fuel() {
    return fuel;
  }

  Graph graph() {
    return graph;
  }

  Function source() {
    return source;
  }

  Location location() {
    return location;
  }

  void tellNearly() {
    for (var each : near) {
      listener.nearly(each.rule, source, each.op, each.reason);
    }
  }

  Function run() {
    source.params().forEach(param -> map.put(param, param));
    for (var op : source.body()) {
      settle(op);
    }
    source.results().forEach(this::settle);
    var results = source.results().stream().map(this::resolve).toList();
    var roots = new ArrayList<Value>(results);
    for (var op : source.body()) {
      if (!sourceUses.isLive(op)) {
        roots.addAll(parts(resolve(op)));
      }
    }
    var kept = Reachable.ops(roots);
    var body = out.stream().filter(kept::contains).toList();
    var notes = new NotesTransfer(graph, source, this::resolve, origins, proposals).transfer(kept);
    var function = new Function(source.name(), source.params(), body, results, notes);
    changed |= !function.equals(source);
    boolean stale =
        body.stream().anyMatch(op -> op.inputs().stream().anyMatch(v -> resolve(v) != v));
    return stale ? Rewriter.substitute(graph, function, late) : function;
  }

  static List<Value> parts(Value value) {
    return value instanceof Several several ? several.values() : List.of(value);
  }

  private void settle(Value root) {
    tasks.push(new Task.Enter(root));
    while (!tasks.isEmpty()) {
      switch (tasks.pop()) {
        case Task.Enter(var value) -> enter(value);
        case Task.Finish(var op) -> finish(op);
        case Task.Alias(var old, var replacement) -> alias(old, resolve(replacement));
      }
    }
  }

  private void enter(Value value) {
    if (map.containsKey(value)) {
      return;
    }
    var replacement = replacements.remove(value);
    if (replacement != null) {
      tasks.push(new Task.Alias(value, replacement));
      tasks.push(new Task.Enter(replacement));
      var producer = Reachable.producer(value);
      if (producer != null) {
        markNew(replacement, origins.getOrDefault(producer, producer));
      }
      return;
    }
    switch (value) {
      case Weight weight -> map.put(weight, weight);
      case Param param ->
          throw new IllegalStateException(
              "%s is no parameter of @%s".formatted(param, source.name()));
      case Result result -> tasks.push(new Task.Enter(result.op()));
      case Several several ->
          several.values().reversed().forEach(v -> tasks.push(new Task.Enter(v)));
      case Op op -> {
        tasks.push(new Task.Finish(op));
        op.inputs().reversed().forEach(v -> tasks.push(new Task.Enter(v)));
      }
      default -> throw new IllegalStateException("not a value of a graph: " + value);
    }
  }

  /** The ops of a replacement that come from outside stand for the op that they replace. */
  private void markNew(Value replacement, Op origin) {
    var stack = new ArrayDeque<Value>();
    stack.push(replacement);
    while (!stack.isEmpty()) {
      var op = Reachable.producer(stack.pop());
      if (op != null && !sourceOps.contains(op) && origins.putIfAbsent(op, origin) == null) {
        stack.addAll(op.inputs());
      }
    }
  }

  private void finish(Op op) {
    if (map.containsKey(op)) {
      return;
    }
    var candidate = rebuilt(op);
    var origin = origins.getOrDefault(op, op);
    if (candidate != op) {
      addUses(candidate, uses(op));
      if (map.containsKey(candidate)) {
        map.put(op, candidate);
        return;
      }
      origins.putIfAbsent(candidate, origin);
    } else if (!sourceOps.contains(op)) {
      op.inputs().forEach(v -> addUses(v, 1));
    }
    location = source.notes().location(origin);
    // Uses count live ops only, so what is dead is left to dce.
    boolean dead = sourceOps.contains(origin) && !sourceUses.isLive(origin);
    for (var rule : dead ? List.<Rule>of() : rules) {
      ruleNow = rule;
      builtNow.clear();
      alsoNow.clear();
      var replacement = listener.mayFire(rule) ? rule.rewrite().apply(candidate, context) : null;
      if (replacement != null && replacement != candidate) {
        fire(rule, op, candidate, origin, replacement);
        return;
      }
    }
    out.add(candidate);
    map.put(candidate, candidate);
    map.put(op, candidate);
  }

  private void fire(Rule rule, Op op, Op candidate, Op origin, Value replacement) {
    if (!replacement.type().equals(candidate.type())) {
      throw wrongType(rule, origin, candidate, replacement);
    }
    if (fuel-- == 0) {
      throw Diagnostic.failed(
              location,
              "the rule %s keeps firing in @%s, last on %s"
                  .formatted(rule.name(), source.name(), nameOf(origin)),
              "this is an error in the rule: its result must not match again")
          .exception();
    }
    changed = true;
    listener.fired(rule, source, origin);
    builtNow.forEach(built -> {
      if (!sourceOps.contains(built)) {
        origins.putIfAbsent(built, origin);
      }
    });
    alsoNow.forEach((old, other) -> {
      if (!other.type().equals(old.type())) {
        throw wrongType(rule, origin, old, other);
      }
      tasks.push(new Task.Alias(old, other));
      tasks.push(new Task.Enter(other));
      late.put(old, other);
    });
    if (candidate != op) {
      tasks.push(new Task.Alias(candidate, replacement));
    }
    tasks.push(new Task.Alias(op, replacement));
    tasks.push(new Task.Enter(replacement));
  }

  private RuntimeException wrongType(Rule rule, Op origin, Value old, Value replacement) {
    return Diagnostic.failed(
            location,
            "the rule %s replaces %s, which is %s, by a value of type %s"
                .formatted(rule.name(), nameOf(origin), old.type(), replacement.type()),
            "this is an error in the rule")
        .exception();
  }

  private void alias(Value old, Value value) {
    if (old != value) {
      map.put(old, value);
      addUses(value, uses(old));
    }
  }

  /** The op on the final operands and bodies. */
  private Op rebuilt(Op op) {
    boolean same = true;
    var operands = new ArrayList<@Nullable Value>();
    for (var operand : op.operands()) {
      var mapped = operand == null ? null : resolve(operand);
      same &= mapped == operand;
      operands.add(mapped);
    }
    if (op.bodies().stream().anyMatch(body -> bodies.getOrDefault(body, body) != body)) {
      var attributes =
          op.attributes().stream()
              .map(a -> a instanceof Function f ? (Object) bodies.getOrDefault(f, f) : a)
              .toList();
      changed = true;
      return graph.build(
          op.schema(),
          operands,
          attributes,
          op.schema().isStated() ? op.type() : null,
          source.notes().location(op));
    }
    return same ? op : graph.withOperands(op, operands);
  }

  /** What a value has become so far. */
  Value resolve(Value value) {
    var current = value;
    while (true) {
      var next = map.get(current);
      if (next == null && current instanceof Result result) {
        next =
            switch (resolve(result.op())) {
              case Several several -> several.values().get(result.index());
              case Op op -> op == result.op() ? current : graph.result(op, result.index());
              default -> throw new IllegalStateException(result + " has no producer");
            };
      }
      if (next == null || next == current) {
        return current;
      }
      current = next;
    }
  }

  Op built(Op op) {
    builtNow.add(op);
    return op;
  }

  void alsoReplace(Value old, Value replacement) {
    alsoNow.put(old, replacement);
  }

  int uses(Value value) {
    return sourceUses.count(value) + extraUses.getOrDefault(value, 0);
  }

  private void addUses(Value value, int count) {
    extraUses.merge(value, count, Integer::sum);
  }

  void propose(Value value, String name) {
    proposals.putIfAbsent(value, name);
  }

  String nameOf(Value value) {
    var op = Reachable.producer(value);
    var old = op == null ? value : value == op ? origins.getOrDefault(op, op) : value;
    return Names.of(source, old);
  }

  void nearly(Op op, String reason) {
    if (ruleNow != null) {
      var each = new Near(ruleNow, origins.getOrDefault(op, op), reason);
      if (!near.contains(each)) {
        near.add(each);
      }
    }
  }
}
