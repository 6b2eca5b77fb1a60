package org.fusionc.ir.interpret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Type;
import org.fusionc.ir.TypePattern;
import org.fusionc.ir.Value;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.op.OpTable;
import org.fusionc.ir.op.Ops;
import org.junit.jupiter.api.Test;

class InterpreterTest {
  private static final Dim T = Dim.symbol("T");
  private static final Dim S = Dim.symbol("S");

  @Test
  void everyOpOfTheTableHasAnEvaluator() {
    assertThat(OpTable.ALL)
        .allSatisfy(schema -> assertThat(Evaluators.find(schema)).as(schema.name()).isPresent());
  }

  @Test
  void symbolicDimensionsComeFromTheInputs() {
    var b = new FunctionBuilder(new Graph(), "f");
    var x = b.param("x", Type.tensor(Scalar.F32, T, Dim.of(2)));
    var flat = b.reshape(x, Type.tensor(Scalar.F32, T.times(Dim.of(2))));
    var result = Interpreter.run(b.build(flat), List.of(Tensor.of(new float[6], 3, 2)));
    assertThat(result.getFirst().shape()).containsExactly(6L);
  }

  @Test
  void anIndexOutsideNamesTheOpAndThePlace() {
    var b = new FunctionBuilder(new Graph(), "f");
    var x = b.param("x", Type.tensor(Scalar.F32, 3));
    var i = b.param("i", Type.tensor(Scalar.I32, 2));
    var picked = b.name(b.gather(x, i, 0), "picked");
    var function = b.build(picked);
    assertThatThrownBy(() ->
            Interpreter.run(
                function, List.of(Tensor.of(new float[3], 3), Tensor.of(new int[] {1, 3}, 2))))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("gather (%picked in @f): index 3 at place 1 is outside 0 … 2");
  }

  @Test
  void anInputOfAnotherShapeIsADiagnostic() {
    var b = new FunctionBuilder(new Graph(), "f");
    var x = b.param("x", Type.tensor(Scalar.F32, 3));
    var function = b.build(b.exp(x));
    assertThatThrownBy(() -> Interpreter.run(function, List.of(Tensor.of(new float[4], 4))))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("%x in @f")
        .hasMessageContaining("the dimension 3 is 3, not 4");
  }

  @Test
  void theBodyOfAFusedOpRuns() {
    var graph = new Graph();
    var type = Type.tensor(Scalar.F32, 2);
    var body = new FunctionBuilder(graph, "");
    var u = body.param("u", type);
    var v = body.param("v", type);
    var inner = body.build(body.add(body.mul(u, v), u));
    var b = new FunctionBuilder(graph, "f");
    var x = b.param("x", type);
    var y = b.param("y", type);
    var result =
        Interpreter.run(
            b.build(b.fused(List.of(y, x), inner)),
            List.of(Tensor.of(new float[] {1, 2}, 2), Tensor.of(new float[] {3, 4}, 2)));
    assertThat(result.getFirst().floats()).containsExactly(6, 12);
  }

  @Test
  void anIfRunsTheBodyThatItsConditionNames() {
    var graph = new Graph();
    var type = Type.tensor(Scalar.F32, 2);
    var then = new FunctionBuilder(graph, "");
    var thenBody = then.build(then.neg(then.param("u", type)));
    var other = new FunctionBuilder(graph, "");
    var otherBody = other.build(other.exp(other.param("u", type)));
    var b = new FunctionBuilder(graph, "f");
    var x = b.param("x", type);
    var zero = b.constant(Literal.of(0.0), Type.tensor(Scalar.F32, List.of()));
    var condition = b.less(zero, b.reduceSum(x, List.of(), false));
    var function = b.build(b.if_(condition, List.of(x), thenBody, otherBody));
    assertThat(
            Interpreter.run(function, List.of(Tensor.of(new float[] {1, 2}, 2)))
                .getFirst()
                .floats())
        .containsExactly(-1, -2);
    assertThat(
            Interpreter.run(function, List.of(Tensor.of(new float[] {-1, 0}, 2)))
                .getFirst()
                .floats())
        .containsExactly((float) Math.exp(-1), 1);
  }

  /** attention over a cache that grows run by run equals attention over all at once. */
  @Test
  void theBackendKeepsTheCacheFromRunToRun() {
    var kvType = new Type.Kv(1, 2, 2, Scalar.F32);
    var b = new FunctionBuilder(new Graph(), "decode");
    var x = b.param("x", Type.tensor(Scalar.F32, T, Dim.of(1), Dim.of(2)));
    var at = b.param("at", new Type.Batch(T, S));
    var kv = b.param("kv", kvType);
    var next = b.kvAppend(kv, x, x, at);
    var y = b.attention(x, next, at, null, null, 1.0, 0L, 0.0);
    var function = b.build(b.selectOutputs(y, at), next);
    var whole = compile(function, Map.of());
    var stepped = compile(function, Map.of());
    float[] data = {1, 0, 0.5f, 2, -1, 1, 0.25f, 0.75f, 1, 1};
    var expected =
        whole
            .run(Batch.single(0, 5, new int[] {3, 1, 0}), List.of(Tensor.of(data, 5, 1, 2)))
            .getFirst()
            .floats();
    float[] actual = {};
    for (int t = 0; t < 5; t++) {
      var token = Tensor.of(new float[] {data[2 * t], data[2 * t + 1]}, 1, 1, 2);
      actual =
          stepped.run(Batch.single(t, 1, new int[] {2, 0, 1}), List.of(token)).getFirst().floats();
    }
    assertThat(actual).containsExactly(expected);
  }

  @Test
  void computedWeightsAreEvaluatedWhenTheModelIsLoaded() {
    var graph = new Graph();
    var type = Type.tensor(Scalar.F32, 2, 3);
    var load = new FunctionBuilder(graph, "");
    var turned = load.build(load.transpose(graph.weight("w", type), List.of()));
    var weights =
        Map.of(
            "w",
            new Module.WeightDef("w", type, new WeightSource.File("model.safetensors", "w")),
            "wt",
            new Module.WeightDef(
                "wt", Type.tensor(Scalar.F32, 3, 2), new WeightSource.Computed(turned)));
    var b = new FunctionBuilder(graph, "decode");
    var x = b.param("x", Type.tensor(Scalar.F32, T, Dim.of(2)));
    var y = b.linear(x, graph.weight("wt", Type.tensor(Scalar.F32, 3, 2)), null);
    var executable = compile(b.build(y), weights);
    var result =
        executable.run(
            new Batch(new int[0], new int[0], new int[0], List.of()),
            List.of(Tensor.of(new float[] {1, 10}, 1, 2)));
    assertThat(result.getFirst().floats()).containsExactly(41, 52, 63);
    assertThat(executable.bytes()).as("the stored weight is not kept").isEqualTo(24);
  }

  @Test
  void theErrorFunctionIsExactToFifteenDigits() {
    assertThat(Scalars.erf(0.5)).isCloseTo(0.5204998778130465, within(1e-15));
    assertThat(Scalars.erf(-1.9999)).isCloseTo(-0.9953201979, within(1e-9));
    assertThat(Scalars.erf(2)).isCloseTo(0.9953222650189527, within(1e-15));
    assertThat(Scalars.erfc(3)).isCloseTo(2.209049699858544e-05, within(1e-19));
    assertThat(Scalars.erf(7)).isEqualTo(1);
  }

  @Test
  void aWeightOfAnotherTypeNamesItself() {
    var graph = new Graph();
    var type = Type.tensor(Scalar.F32, 3, 3);
    var weights =
        Map.of(
            "w", new Module.WeightDef("w", type, new WeightSource.File("model.safetensors", "w")));
    var b = new FunctionBuilder(graph, "decode");
    var function = b.build(b.exp(graph.weight("w", type)));
    assertThatThrownBy(() -> compile(function, weights))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("weight @w: the loaded tensor is f32[2, 3], not f32[3, 3]");
  }

  @Test
  void aWeightComputedFromItselfIsADiagnostic() {
    var graph = new Graph();
    var type = Type.tensor(Scalar.F32, 2);
    var weights = new LinkedHashMap<String, Module.WeightDef>();
    for (var each : List.of("a b", "b a")) {
      var load = new FunctionBuilder(graph, "");
      var function = load.build(load.neg(graph.weight(each.substring(2), type)));
      weights.put(
          each.substring(0, 1),
          new Module.WeightDef(each.substring(0, 1), type, new WeightSource.Computed(function)));
    }
    var b = new FunctionBuilder(graph, "decode");
    var function = b.build(b.exp(graph.weight("a", type)));
    assertThatThrownBy(() -> compile(function, weights))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("is computed from itself");
  }

  @Test
  void tenThousandWeightsComputedOneFromTheOtherAreEvaluated() {
    var graph = new Graph();
    var type = Type.tensor(Scalar.F32, 1);
    var weights = new LinkedHashMap<String, Module.WeightDef>();
    var first = new FunctionBuilder(graph, "");
    weights.put(
        "w0",
        new Module.WeightDef(
            "w0",
            type,
            new WeightSource.Computed(first.build(first.constant(Literal.of(0.0), type)))));
    for (int i = 1; i <= 10_000; i++) {
      var load = new FunctionBuilder(graph, "");
      var one = load.constant(Literal.of(1.0), type);
      var function = load.build(load.add(graph.weight("w" + (i - 1), type), one));
      weights.put(
          "w" + i, new Module.WeightDef("w" + i, type, new WeightSource.Computed(function)));
    }
    var b = new FunctionBuilder(graph, "decode");
    var function = b.build(b.neg(graph.weight("w10000", type)));
    var result =
        compile(function, weights)
            .run(new Batch(new int[0], new int[0], new int[0], List.of()), List.of());
    assertThat(result.getFirst().floats()).containsExactly(-10_000);
  }

  @Test
  void aPositionBeyondThePagesIsADiagnostic() {
    var h = new Hand();
    var at = h.at(new Batch(new int[1], new int[] {4}, new int[] {0}, List.of(new int[] {0, 1})));
    var row = h.of(Scalar.F32, new double[] {1}, 1, 1, 1);
    var next = h.b.kvAppend(h.kv(1, 1, 1, Scalar.F32), row, row, at);
    var function = h.b.build(h.b.name(next, "kv.next"));
    assertThatThrownBy(() -> h.run(function))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("kv_append (%kv.next in @hand)")
        .hasMessageContaining("position 4 of sequence 0 is outside its 2 pages of 2 positions");
  }

  /** Appending gives a new state; what the old one held is still what it held. */
  @Test
  void anOldStateIsNotChangedByAppending() {
    var h = new Hand();
    var at = h.at(Batch.single(0, 1, new int[] {0}));
    var one = h.of(Scalar.F32, new double[] {1}, 1, 1, 1);
    var two = h.of(Scalar.F32, new double[] {2}, 1, 1, 1);
    var first = h.b.kvAppend(h.kv(1, 1, 1, Scalar.F32), one, one, at);
    var second = h.b.kvAppend(first, two, two, at);
    var type = Type.tensor(Scalar.F32, Dim.symbol("C"), Dim.of(1), Dim.of(1));
    var results = h.run(h.b.build(h.b.kvKeys(second, at, type), h.b.kvKeys(first, at, type)));
    assertThat(((Array) results.get(0)).real(0)).isEqualTo(2);
    assertThat(((Array) results.get(1)).real(0)).isEqualTo(1);
  }

  @Test
  void theCacheRoundsToItsDtype() {
    var h = new Hand();
    var at = h.at(Batch.single(0, 1, new int[] {0}));
    var row = h.of(Scalar.F32, new double[] {1 + 0x1p-12}, 1, 1, 1);
    var kv = h.b.kvAppend(h.kv(1, 1, 1, Scalar.F16), row, row, at);
    var type = Type.tensor(Scalar.F32, Dim.symbol("C"), Dim.of(1), Dim.of(1));
    assertThat(((Array) h.run(h.b.build(h.b.kvKeys(kv, at, type))).getFirst()).real(0))
        .isEqualTo(1);
  }

  /** An op of a plug-in: the interpreter runs its decomposition, or says that there is none. */
  private record Twice(Value x, boolean isDefined, Type type) implements Op {
    static final OpSchema SCHEMA =
        OpSchema.named("test.twice", "tensor", "1.0")
            .operand("x", "", TypePattern.tensor("F", "*S"))
            .result("y", TypePattern.tensor("F", "*S"))
            .attribute("is_defined", "bool", true, List.of())
            .build((operands, attributes, type) ->
                new Twice(OpSchema.required(operands, 0), (boolean) attributes.getFirst(), type));

    @Override
    public OpSchema schema() {
      return SCHEMA;
    }

    @Override
    public List<Value> operands() {
      return List.of(x);
    }

    @Override
    public List<Object> attributes() {
      return List.of(isDefined);
    }

    @Override
    public Optional<List<Value>> decomposition(Ops b) {
      return isDefined ? Optional.of(List.of(b.add(x, x))) : Optional.empty();
    }
  }

  private static Function twice(boolean isDefined) {
    var b = new FunctionBuilder(new Graph(), "f");
    var x = b.param("x", Type.tensor(Scalar.F32, T));
    return b.build(b.build(Twice.SCHEMA, List.of(x), List.of(isDefined), null));
  }

  @Test
  void anOpOfAPlugInRunsByItsDecomposition() {
    var x = Tensor.of(new float[] {1, 2}, 2);
    assertThat(Interpreter.run(twice(true), List.of(x)).getFirst().floats()).containsExactly(2, 4);
    assertThatThrownBy(() -> Interpreter.run(twice(false), List.of(x)))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("test.twice (in @f): the interpreter does not know this op");
  }

  private static org.fusionc.ir.backend.Executable compile(
      Function function, Map<String, Module.WeightDef> weights) {
    var backend =
        ServiceLoader.load(Backend.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(candidate -> candidate.name().equals("interp"))
            .findFirst()
            .orElseThrow();
    return backend.compile(
        Module.empty(new Graph()).withWeights(weights).withFunction(function),
        function.name(),
        weight -> Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3),
        new Backend.Options(1, 4, 2));
  }
}
