package org.fusionc.testsuite.property;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Result;
import org.fusionc.ir.Trait;
import org.fusionc.ir.Type;
import org.fusionc.ir.TypePattern;
import org.fusionc.ir.Value;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;

/**
 * Random well-typed modules of one function over the whole op table: operands come from the op's
 * own signature, so an op that is added to the table is generated without a change here, unless its
 * result is stated or its attributes depend on shapes ({@link Arguments}).
 */
final class RandomModules {
  /** Ops whose results jump where their operands move a little. */
  private static final Set<String> JUMPS =
      Set.of(
          "floor",
          "ceil",
          "round",
          "sign",
          "equal",
          "less",
          "less_equal",
          "top_k",
          "arg_max",
          "cast",
          "quantize",
          "dequantize");

  private static final List<OpSchema> OPS = List.copyOf(OpRegistry.builtIn().all());

  private final Choices choices;
  private final FunctionBuilder builder = new FunctionBuilder(new Graph(), "main");
  private final List<Value> values = new ArrayList<>();
  private final Map<String, Module.WeightDef> weights = new LinkedHashMap<>();

  /** Values that no rewrite may change by rounding, so that jumps may follow them. */
  private final Set<Value> exact = new HashSet<>();

  /** States that an op appends to already: there is one next version of each. */
  private final Set<Value> appended = new HashSet<>();

  private final Arguments arguments;
  private int built;

  private RandomModules(long seed) {
    choices = new Choices(new Random(seed));
    arguments = new Arguments(choices, builder);
  }

  /** The module of that seed, with about {@code size} ops. */
  static Module module(long seed, int size) {
    return new RandomModules(seed).build(size);
  }

  private Module build(int size) {
    keep(builder.param("at", choices.batch()), true);
    keep(builder.param("x", new Type.Tensor(Scalar.F32, List.of(Choices.TOKENS, Dim.of(4)))), true);
    keep(builder.param("n", new Type.Tensor(Scalar.I32, List.of(Choices.ROWS))), true);
    if (choices.chance(0.5)) {
      // What a decoder's layer works on, which chance alone would hardly bring together.
      keep(builder.param("q", new Type.Tensor(Scalar.F32, heads(2))), true);
      keep(builder.param("k", new Type.Tensor(Scalar.F32, heads(1))), true);
      keep(builder.param("kv", new Type.Kv(1, 4, 4, choices.oneOf(Scalar.F32, Scalar.F16))), true);
      keep(builder.param("freqs", Type.tensor(Scalar.F32, choices.between(1, 2))), true);
    }
    for (int attempts = 0; built < size && attempts < 40 * size; attempts++) {
      attempt(choices.oneOf(OPS));
    }
    var produced = values.stream().filter(v -> v instanceof Op || v instanceof Result).toList();
    var results =
        new ArrayList<Value>(
            produced.subList(produced.size() - produced.size() / 3, produced.size()));
    if (results.isEmpty()) {
      results.add(values.get(1));
    }
    var module =
        Module.empty(builder.graph())
            .withDim("T", new Module.Bounds(1, 64))
            .withDim("S", new Module.Bounds(0, 64))
            .withDim("N", new Module.Bounds(0, 64))
            .withDim("C", new Module.Bounds(0, 4096))
            .withWeights(weights);
    return module.withFunction(builder.build(results));
  }

  private static List<Dim> heads(long count) {
    return List.of(Choices.TOKENS, Dim.of(count), Dim.of(4));
  }

  private void keep(Value value, boolean isExact) {
    if (value.type() instanceof Type.Tensor tensor && tensor.dtype() instanceof DType.Quantized) {
      return;
    }
    values.add(value);
    if (isExact) {
      exact.add(value);
    }
  }

  private void attempt(OpSchema schema) {
    try {
      var unifier = new Unifier();
      var operands = new ArrayList<Value>();
      for (var operand : schema.operands()) {
        int count =
            switch (operand.arity()) {
              case ONE -> 1;
              case OPTIONAL -> choices.chance(0.5) ? 1 : 0;
              case VARIADIC -> (int) choices.between(1, 3);
            };
        for (int i = 0; i < count; i++) {
          operands.add(operand(operand, unifier));
        }
        if (count == 0) {
          operands.add(null);
        }
      }
      boolean appends =
          schema.results().stream().anyMatch(r -> r.pattern() instanceof TypePattern.KvPattern);
      if (appends && operands.stream().anyMatch(appended::contains)) {
        return;
      }
      if (JUMPS.contains(schema.name()) && !exact.containsAll(operands)) {
        return;
      }
      var call = arguments.of(schema, operands);
      if (call.isEmpty()) {
        return;
      }
      var parts = call.get();
      var op = builder.build(schema, parts.operands(), parts.attributes(), parts.stated());
      built++;
      if (appends) {
        operands.stream().filter(o -> o != null && o.type().isState()).forEach(appended::add);
      }
      note(op);
      boolean isExact =
          (op instanceof Trait.Layout || operands.isEmpty()) && exact.containsAll(op.inputs());
      if (op.type() instanceof Type.Tuple(var types)) {
        for (int i = 0; i < types.size(); i++) {
          keep(builder.result(op, i), isDiscrete(types.get(i)));
        }
      } else {
        keep(op, isExact || isDiscrete(op.type()));
      }
    } catch (DiagnosticException refused) {
      // The op does not take these operands: another attempt will.
    }
  }

  private Value operand(OpSchema.Operand operand, Unifier unifier) {
    var fitting = values.stream().filter(v -> unifier.fits(operand.pattern(), v.type())).toList();
    Value value;
    if (!fitting.isEmpty() && choices.chance(0.8)) {
      // Late values more often, so that graphs grow deep.
      int from = choices.chance(0.5) ? fitting.size() * 2 / 3 : 0;
      value = choices.oneOf(fitting.subList(from, fitting.size()));
    } else {
      value = leaf(unifier.choose(operand.pattern(), choices));
    }
    unifier.bind(operand.pattern(), value.type());
    return value;
  }

  private Value leaf(Type type) {
    if (type instanceof Type.Batch) {
      return values.getFirst();
    }
    Value value;
    if (type instanceof Type.Tensor tensor && tensor.isStatic() && choices.chance(0.6)) {
      if (choices.chance(0.5)) {
        var symbol = choices.oneOf("w", "layers.0.w", "model/w") + weights.size();
        weights.put(
            symbol,
            new Module.WeightDef(
                symbol, tensor, new WeightSource.File("model.safetensors", symbol)));
        value = builder.graph().weight(symbol, tensor);
      } else {
        value = arguments.constant(tensor);
      }
    } else {
      value = builder.param("p" + values.size(), type);
    }
    keep(value, true);
    return value;
  }

  /** Some values have names, origins and comments, as people's have. */
  private void note(Op op) {
    if (!(op.type() instanceof Type.Tuple) && choices.chance(0.5)) {
      builder.name(op, choices.oneOf("h", "layers.3.out", "a b", "q-k/v", "x\"y"));
    }
    if (choices.chance(0.15)) {
      builder.notes().comments(op, List.of(choices.oneOf("why", "two  spaces", "→ %x = add")));
    }
    if (choices.chance(0.1)) {
      builder
          .notes()
          .location(op, Location.named(choices.oneOf("onnx/Add_3", "a \"quoted\" place")));
    }
  }

  private static boolean isDiscrete(Type type) {
    return type instanceof Type.Tensor tensor && !tensor.dtype().isFloat();
  }
}
