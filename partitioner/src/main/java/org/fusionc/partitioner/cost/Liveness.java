package org.fusionc.partitioner.cost;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;

/**
 * Which values of a function are alive where. Only ops that depend on a parameter count as steps of
 * the function; what depends on weights alone is computed wherever it is used. Position {@code i}
 * is the place before step {@code i}.
 */
public final class Liveness {
  private final Function function;
  private final List<Op> steps = new ArrayList<>();
  private final Map<Op, Integer> positions = new HashMap<>();

  /** Tensors that steps compute, in order of definition, with the last step that reads each. */
  private final Map<Value, Integer> lastUse = new LinkedHashMap<>();

  /** By state parameter the first and the last step that touches the state. */
  private final Map<Param, int[]> stateSpans = new LinkedHashMap<>();

  private final Map<Value, Param> stateOrigin = new HashMap<>();
  private final Map<Op, List<Value>> projections;

  public Liveness(Function function) {
    this.function = function;
    projections = projections(function);
    for (var param : function.params()) {
      if (param.type().isState()) {
        stateOrigin.put(param, param);
      }
    }
    for (var op : function.body()) {
      if (op.inputs().stream().anyMatch(this::isStep)) {
        place(op);
      }
    }
    for (var result : function.results()) {
      lastUse.computeIfPresent(result, (_, _) -> steps.size());
    }
  }

  /** Whether a value depends on a parameter, rather than on weights alone. */
  private boolean isStep(Value value) {
    return value instanceof Param || producer(value).filter(positions::containsKey).isPresent();
  }

  private void place(Op op) {
    int position = steps.size();
    steps.add(op);
    positions.put(op, position);
    var touched = new ArrayList<Param>();
    for (var input : op.inputs()) {
      lastUse.computeIfPresent(input, (_, _) -> position);
      var origin = stateOrigin.get(input);
      if (origin != null) {
        touched.add(origin);
        stateSpans.computeIfAbsent(origin, _ -> new int[] {position, position})[1] = position;
      }
    }
    for (var value : values(op)) {
      if (value.type().isState()) {
        // An op's state result continues the state that it was given.
        if (!touched.isEmpty()) {
          stateOrigin.put(value, touched.getFirst());
        }
      } else {
        lastUse.put(value, position);
      }
    }
  }

  /** The values that an op computes: itself, or its projections where it has several results. */
  public List<Value> values(Op op) {
    return op.type() instanceof Type.Tuple
        ? List.copyOf(projections.getOrDefault(op, List.of()))
        : List.of(op);
  }

  private static Map<Op, List<Value>> projections(Function function) {
    var found = new HashMap<Op, List<Value>>();
    var seen = new HashSet<Value>();
    for (var op : function.body()) {
      op.inputs().forEach(input -> addProjection(input, seen, found));
    }
    function.results().forEach(result -> addProjection(result, seen, found));
    return found;
  }

  private static void addProjection(Value value, Set<Value> seen, Map<Op, List<Value>> found) {
    if (value instanceof Result result && seen.add(result)) {
      found.computeIfAbsent(result.op(), _ -> new ArrayList<>()).add(result);
    }
  }

  /** The op that computes a value, if an op does. */
  public static Optional<Op> producer(Value value) {
    return switch (value) {
      case Op op -> Optional.of(op);
      case Result(var op, _, _) -> Optional.of(op);
      default -> Optional.empty();
    };
  }

  public Function function() {
    return function;
  }

  /** The ops that depend on a parameter, in the order of the body. */
  public List<Op> steps() {
    return List.copyOf(steps);
  }

  public int size() {
    return steps.size();
  }

  /** The position of the step that an op is; empty for one that depends on weights alone. */
  public Optional<Integer> position(Op op) {
    return Optional.ofNullable(positions.get(op));
  }

  /** The tensors that steps compute with the last step that reads each, results up to the end. */
  Map<Value, Integer> lastUses() {
    return lastUse;
  }

  /**
   * The tensors that a cut at {@code position} must carry: computed before it, and read after it or
   * returned. In the order of their definition; parameters and states are not among them.
   */
  public List<Value> crossing(int position) {
    var crossing = new ArrayList<Value>();
    lastUse.forEach((value, last) -> {
      int defined = producer(value).map(positions::get).orElseThrow();
      if (defined < position && last >= position && position < steps.size()) {
        crossing.add(value);
      }
    });
    return crossing;
  }

  /** The state parameter whose life a cut at {@code position} would split, if any. */
  public Optional<Param> splitState(int position) {
    return stateSpans.entrySet().stream()
        .filter(entry -> entry.getValue()[0] < position && entry.getValue()[1] >= position)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** The state parameter that a state value continues. */
  public Optional<Param> origin(Value state) {
    return Optional.ofNullable(stateOrigin.get(state));
  }

  /** The first step that touches a state parameter; empty if none does. */
  public Optional<Integer> firstTouch(Param state) {
    return Optional.ofNullable(stateSpans.get(state)).map(span -> span[0]);
  }

  /** The first and last step by state parameter. */
  Map<Param, int[]> stateSpans() {
    return stateSpans;
  }
}
