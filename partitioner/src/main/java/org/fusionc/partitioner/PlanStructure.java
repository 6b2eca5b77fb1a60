package org.fusionc.partitioner;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.diagnostic.Suggestion;
import org.fusionc.ir.plan.Device;
import org.fusionc.ir.plan.Edge;
import org.fusionc.ir.plan.Origin;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.Stage;
import org.fusionc.partitioner.cost.Liveness;

/** Whether a plan's stages cut the function it names into ranges, and where. */
final class PlanStructure {
  private final Plan plan;
  private final Liveness liveness;
  private final ValueNames names;

  /** Parameters and ops by the names of their values. */
  private final Map<String, Value> values = new HashMap<>();

  /**
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the plan has no stage or they do not
   *     all run the same function of the module
   */
  PlanStructure(Module module, Plan plan) {
    this.plan = plan;
    if (plan.stages().isEmpty()) {
      throw invalid(
          plan.origin(),
          "plan @" + plan.name() + " has no stage",
          "add one, such as 'stage 0 on @desk.gpu0 runs @" + Planner.FUNCTION + "'");
    }
    var name = plan.stages().getFirst().function();
    for (var stage : plan.stages()) {
      if (!module.functions().containsKey(stage.function())) {
        throw invalid(
            stage.origin(),
            title(stage) + " runs @" + stage.function() + ", which the module has not",
            Suggestion.didYouMean(
                stage.function(), module.functions().keySet(), "write runs @" + Planner.FUNCTION));
      }
      if (!stage.function().equals(name)) {
        throw invalid(
            stage.origin(),
            title(stage) + " runs @" + stage.function() + ", but stage 0 runs @" + name,
            "cut one function");
      }
    }
    liveness = new Liveness(module.function(name));
    names = ValueNames.of(function());
    function().params().forEach(param -> values.put(nameOf(param), param));
    for (var op : function().body()) {
      names.results(op).forEach(valueName -> values.put(valueName, op));
    }
  }

  Liveness liveness() {
    return liveness;
  }

  private Function function() {
    return liveness.function();
  }

  private String nameOf(Value value) {
    return Objects.requireNonNull(names.name(value));
  }

  /**
   * By stage the position after its last step; the last is the number of steps.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if stages are out of order, overlap,
   *     leave steps out, name unknown values, or split a state
   */
  List<Integer> ends() {
    var ends = new ArrayList<Integer>();
    for (int i = 0; i < plan.stages().size(); i++) {
      var stage = plan.stages().get(i);
      if (stage.index() != i) {
        throw invalid(
            stage.origin(),
            "stage " + stage.index() + " stands where stage " + i + " should",
            "number the stages from 0 in the order in which they run");
      }
      int from = ends.isEmpty() ? 0 : ends.getLast();
      int to = end(stage, i == plan.stages().size() - 1);
      if (to <= from) {
        throw invalid(
            stage.origin(),
            title(stage)
                + " ends with %"
                + stage.through().orElse("")
                + ", which stage "
                + (i - 1)
                + " has computed already",
            "let it end later, or the one before it earlier");
      }
      refuseSplitState(stage, to);
      ends.add(to);
    }
    return ends;
  }

  private int end(Stage stage, boolean last) {
    if (stage.through().isEmpty()) {
      if (!last) {
        throw invalid(
            stage.origin(),
            title(stage)
                + " runs to the end, so that stage "
                + (stage.index() + 1)
                + " has nothing",
            "add 'through %…' to say where it ends");
      }
      return liveness.size();
    }
    var name = stage.through().get();
    int position = position(stage, name) + 1;
    if (last && position < liveness.size()) {
      throw invalid(
          stage.origin(),
          "the last stage ends with %"
              + name
              + ", so that "
              + (liveness.size() - position)
              + " ops after it are in no stage",
          "delete 'through %" + name + "'");
    }
    if (!last && position == liveness.size()) {
      throw invalid(
          stage.origin(),
          title(stage)
              + " ends with %"
              + name
              + ", the last value of all, so that stage "
              + (stage.index() + 1)
              + " has nothing",
          "let it end earlier");
    }
    return position;
  }

  private int position(Stage stage, String name) {
    var value = values.get(name);
    if (value == null) {
      throw invalid(
          stage.origin(),
          title(stage) + " ends with %" + name + ", which @" + function().name() + " has not",
          Suggestion.didYouMean(
              name, stepNames(), "name a value that @" + function().name() + " computes"));
    }
    if (!(value instanceof Op op)) {
      throw invalid(
          stage.origin(),
          title(stage) + " ends with %" + name + ", which is a parameter",
          "name a value that @" + function().name() + " computes");
    }
    return liveness
        .position(op)
        .orElseThrow(() ->
            invalid(
                stage.origin(),
                title(stage)
                    + " ends with %"
                    + name
                    + ", which depends on weights alone and is computed wherever it is used",
                "name a value that depends on the input"));
  }

  private List<String> stepNames() {
    return values.entrySet().stream()
        .filter(
            entry -> Liveness.producer(entry.getValue()).flatMap(liveness::position).isPresent())
        .map(Map.Entry::getKey)
        .toList();
  }

  private void refuseSplitState(Stage stage, int position) {
    liveness
        .splitState(position)
        .ifPresent(state -> {
          throw invalid(
              stage.origin(),
              title(stage)
                  + " ends with %"
                  + stage.through().orElse("")
                  + ", between the ops that write and read the state %"
                  + nameOf(state)
                  + "; a state cannot be on two devices",
              "end it before or after all ops that use that state");
        });
  }

  /**
   * Checks the edges that the plan states, if any, against what crosses the cuts.
   *
   * @return by cut the wire format stated; {@code f32} where none is
   */
  List<WireFormat> formats(List<Integer> ends) {
    var stated = new LinkedHashMap<Integer, Edge>();
    for (var edge : plan.edges()) {
      if (edge.to() != edge.from() + 1 || edge.from() < 0 || edge.to() >= ends.size()) {
        throw invalid(
            edge.origin(),
            edge.title() + " does not join a stage to the next one",
            "stages run in order; delete the edge lines to have them derived");
      }
      if (stated.put(edge.from(), edge) != null) {
        throw invalid(edge.origin(), edge.title() + " is stated twice", "delete one of the lines");
      }
      refuseWrongValues(edge, ends.get(edge.from()));
    }
    var formats = new ArrayList<WireFormat>();
    for (int i = 0; i + 1 < ends.size(); i++) {
      var edge = stated.get(i);
      formats.add(edge == null ? WireFormat.F32 : WireFormat.of(edge));
    }
    return formats;
  }

  private void refuseWrongValues(Edge edge, int position) {
    var crossing = liveness.crossing(position).stream().map(this::nameOf).toList();
    if (!edge.values().equals(crossing)) {
      throw invalid(
          edge.origin(),
          edge.title()
              + " carries "
              + list(edge.values())
              + ", but what crosses there is "
              + list(crossing),
          "correct it, or delete the edge lines to have them derived");
    }
  }

  private static String list(List<String> names) {
    return names.isEmpty()
        ? "nothing"
        : names.stream().map(name -> "%" + name).collect(Collectors.joining(", "));
  }

  /**
   * Checks that each stage's device is one of the plan's; a plan without device lines may name any.
   */
  void checkDevices() {
    var names = plan.devices().stream().map(Device::name).toList();
    for (var stage : plan.stages()) {
      if (!names.isEmpty() && !names.contains(stage.device())) {
        throw invalid(
            stage.origin(),
            title(stage) + " is on @" + stage.device() + ", which the plan has no device line for",
            Suggestion.didYouMean(
                stage.device(), names, "the devices are " + String.join(", ", names)));
      }
    }
  }

  static String title(Stage stage) {
    return "stage " + stage.index();
  }

  private DiagnosticException invalid(Origin origin, String message, String remedy) {
    var location =
        origin.location().isKnown() ? origin.location() : Location.named("plan @" + plan.name());
    return Diagnostic.invalid(location, message, remedy).exception();
  }
}
