package org.fusionc.ir.interpret;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Param;
import org.fusionc.ir.Result;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.decompose.Decomposer;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/**
 * A function made ready to run: which values die where, and the values of the ops that depend on
 * weights alone, which are computed in the first run and kept.
 */
final class Program {
  private final Function function;
  private final Weights weights;
  private final List<List<Value>> dying = new ArrayList<>();
  private final Set<Op> fixed = new HashSet<>();
  private final Map<Op, Datum> kept = new HashMap<>();

  Program(Function function, Weights weights) {
    this.function = function;
    this.weights = weights;
    var lastUse = new HashMap<Value, Integer>();
    for (int i = 0; i < function.body().size(); i++) {
      var op = function.body().get(i);
      lastUse.put(op, i);
      boolean isFixed = isStatic(op.type()) && !(op instanceof Trait.Stateful);
      for (var input : op.inputs()) {
        var holder = holder(input);
        lastUse.put(holder, i);
        isFixed &= !(holder instanceof Param) && (!(holder instanceof Op o) || fixed.contains(o));
      }
      if (isFixed) {
        fixed.add(op);
      }
    }
    function.results().forEach(result -> lastUse.remove(holder(result)));
    function.body().forEach(op -> dying.add(new ArrayList<>()));
    lastUse.forEach((value, i) -> dying.get(i).add(value));
  }

  /** What the frame holds for this value. */
  private static Value holder(Value value) {
    return value instanceof Result(var op, int index, var type) ? op : value;
  }

  private static boolean isStatic(Type type) {
    return switch (type) {
      case Type.Tensor tensor -> tensor.isStatic();
      case Type.Tuple(var parts) -> parts.stream().allMatch(Program::isStatic);
      default -> false;
    };
  }

  Function function() {
    return function;
  }

  /**
   * The results.
   *
   * @param inputs one per parameter
   * @param dims symbols that are known already
   */
  List<Datum> run(List<? extends Datum> inputs, Map<String, Long> dims) {
    var frame = new Frame(weights, dims);
    @Nullable Value current = null;
    try {
      if (inputs.size() != function.params().size()) {
        throw new Problem(
            "%d inputs are given for %d parameters"
                .formatted(inputs.size(), function.params().size()),
            "");
      }
      for (int i = 0; i < inputs.size(); i++) {
        current = function.params().get(i);
        frame.put(current, inputs.get(i));
      }
      for (int i = 0; i < function.body().size(); i++) {
        var op = function.body().get(i);
        current = op;
        var datum = kept.get(op);
        if (datum == null) {
          datum = evaluate(op, frame);
          if (fixed.contains(op)) {
            kept.put(op, datum);
          }
        }
        frame.put(op, datum);
        dying.get(i).forEach(frame::forget);
      }
      current = null;
      return function.results().stream().map(frame::get).toList();
    } catch (Problem problem) {
      throw diagnostic(problem, current);
    }
  }

  private static Datum evaluate(Op op, Frame frame) {
    var evaluator = Evaluators.find(op.schema());
    if (evaluator.isPresent()) {
      return evaluator.get().evaluate(op, frame);
    }
    var definition =
        Decomposer.definition(op)
            .orElseThrow(() ->
                new Problem(
                    "the interpreter does not know this op, and it has no decomposition",
                    "let the op's record answer decomposition()"));
    var results = frame.run(definition, op.inputs());
    return results.size() == 1 ? results.getFirst() : new Datum.Several(results);
  }

  private DiagnosticException diagnostic(Problem problem, @Nullable Value value) {
    var notes = function.notes();
    var where = function.name().isEmpty() ? "a body" : "@" + function.name();
    if (value == null) {
      return problem.at(Location.unknown(), where);
    }
    var what = value instanceof Op op ? op.name() : "parameter";
    var name = notes.name(value).map(n -> "%" + n + " in ").orElse("in ");
    return problem.at(notes.location(value), "%s (%s%s)".formatted(what, name, where));
  }

  /** Bytes held for the values that are kept. */
  long bytes() {
    return kept.values().stream().mapToLong(Datum::bytes).sum();
  }
}
