package org.fusionc.runtime.stage;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.Set;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.partitioner.WireFormat;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.wire.Encoding;
import org.fusionc.runtime.wire.Port;

/**
 * A stage of a plan, compiled; no weight has been read. It says which weights it needs, so that
 * only those need be fetched.
 *
 * @param module with all stages' functions
 * @param function the name of this stage's
 * @param stage its number
 * @param stages how many the plan has
 * @param context positions that a session can have
 * @param inputs what a frame brings, in the order of the function's parameters
 * @param outputs what the function gives, in order; they travel as the edge after the stage says,
 *     and plainly after the last one
 */
public record StageProgram(
    Module module,
    String function,
    int stage,
    int stages,
    int context,
    List<Port> inputs,
    List<Port> outputs) {
  public StageProgram {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * Compiles one stage of a plan.
   *
   * @param source whose module is not cut yet; its weights are not touched
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the plan does not fit the module, has
   *     no such stage, or the backend refuses
   */
  public static StageProgram compile(ModelSource source, Plan plan, int stage, Backend backend) {
    var options = Compiler.Options.of(new Compiler.Cut.Planned(plan), backend, Phase.SCHEDULED);
    var compiled = Compiler.compile(source.module(), source.phase(), options);
    var names = compiled.stages();
    var place = Location.named("plan @" + plan.name());
    if (stage < 0 || stage >= names.size()) {
      throw Diagnostic.invalid(
              place,
              "it has no stage " + stage + ", but stages 0 to " + (names.size() - 1),
              "ask for one of these")
          .exception();
    }
    var module = compiled.module();
    var function = module.function(names.get(stage));
    boolean last = stage == names.size() - 1;
    var into = stage == 0 ? WireFormat.F32 : format(plan, stage - 1);
    var inputs = ports(function, function.params(), into, place);
    if (stage > 0) {
      var before = module.function(names.get(stage - 1));
      requireGiven(inputs, ports(before, before.results(), into, place), stage, place);
    }
    var outputs =
        ports(function, function.results(), last ? WireFormat.F32 : format(plan, stage), place);
    return new StageProgram(
        module, function.name(), stage, names.size(), source.context(), inputs, outputs);
  }

  private static WireFormat format(Plan plan, int from) {
    return plan.edges().stream()
        .filter(edge -> edge.from() == from)
        .findFirst()
        .map(WireFormat::of)
        .orElse(WireFormat.F32);
  }

  private static void requireGiven(List<Port> inputs, List<Port> given, int stage, Location place) {
    var names = given.stream().map(Port::name).toList();
    for (var input : inputs) {
      if (!names.contains(input.name())) {
        throw Diagnostic.invalid(
                place,
                "stage %d reads %%%s, which stage %d does not hand on"
                    .formatted(stage, input.name(), stage - 1),
                "cut the model elsewhere, so that all that reads it is in stage 0")
            .exception();
      }
    }
    if (given.size() != inputs.size()) {
      throw Diagnostic.invalid(
              place,
              "stage %d gives %s, but stage %d reads %s"
                  .formatted(stage - 1, names, stage, inputs.stream().map(Port::name).toList()),
              "make the plan anew")
          .exception();
    }
  }

  private static List<Port> ports(
      Function function, List<? extends Value> values, WireFormat format, Location place) {
    var tokens = new HashSet<Dim>();
    var outputs = new HashSet<Dim>();
    for (var param : function.params()) {
      if (param.type() instanceof Type.Batch batch) {
        tokens.add(batch.tokens());
        outputs.add(batch.outputs());
      }
    }
    var ports = new ArrayList<Port>();
    for (var value : values) {
      if (!(value.type() instanceof Type.Tensor type)) {
        continue;
      }
      var name = function.notes().name(value).orElse("value" + ports.size());
      var first = type.rank() == 0 ? Dim.of(1) : type.dim(0);
      var rows =
          tokens.contains(first)
              ? Port.Rows.TOKEN
              : outputs.contains(first) ? Port.Rows.OUTPUT : Port.Rows.FIXED;
      var rest = rows == Port.Rows.FIXED ? type.dims() : type.dims().subList(1, type.dims().size());
      if (!(type.dtype() instanceof DType.Scalar dtype)
          || dtype.bits() < 8
          || !rest.stream().allMatch(Dim::isStatic)) {
        throw Diagnostic.invalid(
                place,
                "%%%s of @%s is %s, which cannot travel".formatted(name, function.name(), type),
                "cut the model elsewhere")
            .exception();
      }
      var dims = rest.stream().map(Dim::value).toList();
      var encoding = rows == Port.Rows.FIXED ? Encoding.PLAIN : Encoding.of(format, dtype);
      ports.add(new Port(name, dtype, dims, rows, encoding, ids(function, value)));
    }
    return ports;
  }

  /** If the value picks rows of tables that are weights: how many rows the smallest has; else 0. */
  private static long ids(Function function, Value value) {
    long least = Long.MAX_VALUE;
    if (value.tensorType().dtype().isInt()) {
      for (var op : function.body()) {
        if (op.inputs().contains(value)) {
          for (var input : op.inputs()) {
            if (input instanceof Weight weight && weight.tensorType().rank() == 2) {
              least = Math.min(least, weight.tensorType().dim(0).value());
            }
          }
        }
      }
    }
    return least == Long.MAX_VALUE ? 0 : least;
  }

  /** The symbols of the stored weights that this stage reads, through computed ones as well. */
  public SequencedSet<String> storedWeights() {
    var seen = new HashSet<String>();
    var stored = new LinkedHashSet<String>();
    var pending = new ArrayDeque<Function>();
    pending.add(module.function(function));
    while (!pending.isEmpty()) {
      for (var weight : Reachable.weights(pending.poll())) {
        var definition = module.weights().get(weight.symbol());
        if (definition == null || !seen.add(weight.symbol())) {
          continue;
        }
        if (definition.source() instanceof WeightSource.Computed(var body)) {
          pending.add(body);
        } else {
          stored.add(weight.symbol());
        }
      }
    }
    return stored;
  }

  /** The names of the inputs that have a row per token. */
  public Set<String> tokenInputs() {
    var names = new LinkedHashSet<String>();
    inputs.stream().filter(p -> p.rows() == Port.Rows.TOKEN).forEach(p -> names.add(p.name()));
    return names;
  }
}
