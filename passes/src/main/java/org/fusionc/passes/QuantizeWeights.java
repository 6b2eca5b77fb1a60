package org.fusionc.passes;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.fusionc.ir.DType;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.GatedLinear;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.op.Linear;
import org.fusionc.ir.op.Moe;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.PassOption;
import org.fusionc.ir.rewrite.GraphOps;
import org.fusionc.ir.rewrite.Rewriter;

/**
 * {@code quantize}: linear(x, w) → linear(x, quantize(w)), and the same for the experts of moe; a
 * table that a pattern names: gather(w, i) → dequantize(gather(quantize(w), i)). What is left to do
 * with weights alone is for {@link SplitLoadTime}. Norms and biases stay as they are.
 *
 * <p>Patterns speak of the model's own weights, also where they have been merged: rows are packed
 * one by one, so that it makes no difference which comes first. A merged product whose parts get
 * different formats is taken apart again.
 */
public final class QuantizeWeights implements Pass {
  private static final String NAME = "quantize";
  private static final PassOption RULES =
      new PassOption(
          "rules",
          "q8",
          "the format of all weights, then of those that patterns name:"
              + " q4,lm_head=q8,layers.0.*=q8");

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String summary() {
    return "Store the weights of products in fewer bits, by rules over their names.";
  }

  @Override
  public List<PassOption> options() {
    return List.of(RULES);
  }

  @Override
  public Module run(Module module, PassContext context) {
    var rules = WeightRules.parse(context.text("rules"));
    var choice = new WeightChoice(module, rules);
    var functions = new LinkedHashMap<String, Function>();
    module
        .functions()
        .forEach((name, function) ->
            functions.put(name, new Rewritten(module, function, choice, context).function()));
    choice.requireUsed();
    return functions.equals(module.functions()) ? module : module.withFunctions(functions);
  }

  /** One function with its weights' formats changed. */
  private static final class Rewritten {
    private final Function function;
    private final GraphOps ops;
    private final WeightChoice choice;
    private final PassContext context;
    private final Module module;
    private final Map<Value, Value> replacements = new LinkedHashMap<>();
    private final Map<Value, String> names = new LinkedHashMap<>();

    Rewritten(Module module, Function function, WeightChoice choice, PassContext context) {
      this.module = module;
      this.function = function;
      this.ops = new GraphOps(module.graph());
      this.choice = choice;
      this.context = context;
    }

    Function function() {
      for (var op : function.body()) {
        switch (op) {
          case Linear linear -> linear(linear);
          case Moe moe -> moe(moe);
          case GatedLinear gated ->
              context.nearly(NAME, function, gated, "it is lowered; quantise before lowering");
          case Gather gather -> gather(gather);
          default -> {}
        }
      }
      return Rewriter.substitute(module.graph(), function, replacements, names);
    }

    private void linear(Linear op) {
      var parts = choice.ofProduct(op.weight());
      if (parts.isEmpty()) {
        return;
      }
      if (parts.size() > 1) {
        replacements.putAll(new SplitProduct(ops, op, parts, this::converted).in(function));
        context.fired(NAME, function, op, "taken apart: " + parts);
        return;
      }
      var part = parts.getFirst();
      if (part.changes()) {
        replacements.put(op, ops.linear(op.x(), converted(part), op.bias()));
        context.fired(NAME, function, op, part.toString());
      }
    }

    private void moe(Moe op) {
      var gate = choice.whole(op.gate());
      var up = choice.whole(op.up());
      var down = choice.whole(op.down());
      if (gate == null || up == null || down == null) {
        return;
      }
      choice.requireSame(gate, up);
      if (gate.changes() || up.changes() || down.changes()) {
        replacements.put(
            op,
            ops.moe(
                op.x(),
                op.experts(),
                op.weights(),
                converted(gate),
                converted(up),
                converted(down),
                op.gateBias(),
                op.upBias(),
                op.downBias(),
                op.activation(),
                op.alpha(),
                op.limit()));
        context.fired(NAME, function, op, gate + ", " + up + ", " + down);
      }
    }

    private void gather(Gather op) {
      var part = choice.ofTable(op);
      if (part != null && part.changes()) {
        var rows = ops.gather(converted(part), op.indices(), op.axis());
        var dtype = op.tensorType().dtype();
        var numbers = part.isQuantized() ? ops.dequantize(rows, DType.Scalar.F32) : rows;
        replacements.put(
            op, numbers.tensorType().dtype().equals(dtype) ? numbers : ops.cast(numbers, dtype));
        context.fired(NAME, function, op, part.toString());
      }
    }

    private Value converted(WeightChoice.Part part) {
      var value = part.converted(ops);
      if (part.changes()) {
        names.put(value, part.name());
      }
      return value;
    }
  }
}
