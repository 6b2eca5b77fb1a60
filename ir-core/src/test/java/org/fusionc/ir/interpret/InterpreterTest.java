package org.fusionc.ir.interpret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Module;
import org.fusionc.ir.Type;
import org.fusionc.ir.WeightSource;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.op.OpTable;
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
    assertThat(executable.bytes()).isEqualTo(48);
  }

  @Test
  void theErrorFunctionIsExactToFifteenDigits() {
    assertThat(Scalars.erf(0.5)).isCloseTo(0.5204998778130465, within(1e-15));
    assertThat(Scalars.erf(-1.9999)).isCloseTo(-0.9953201979, within(1e-9));
    assertThat(Scalars.erf(2)).isCloseTo(0.9953222650189527, within(1e-15));
    assertThat(Scalars.erfc(3)).isCloseTo(2.209049699858544e-05, within(1e-19));
    assertThat(Scalars.erf(7)).isEqualTo(1);
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
