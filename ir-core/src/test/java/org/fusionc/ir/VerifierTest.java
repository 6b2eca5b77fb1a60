package org.fusionc.ir;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Module.Bounds;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.op.Add;
import org.junit.jupiter.api.Test;

/** Broken modules, as a pass might make them. */
class VerifierTest {
  private final Graph graph = new Graph();
  private final Type.Tensor row = Type.tensor(Scalar.F32, 4);

  private static void errors(Module module, String... expected) {
    assertThat(Verifier.verify(module)).extracting(Object::toString).containsExactly(expected);
  }

  private Module function(Consumer<FunctionBuilder> parts) {
    var b = new FunctionBuilder(graph, "f");
    parts.accept(b);
    return Module.empty(graph).withFunction(b.build());
  }

  @Test
  void aRightModule() {
    errors(
        function(b -> {
          var x = b.param("x", row);
          b.neg(b.add(x, x));
        }));
  }

  @Test
  void operandsComeFirst() {
    var b = new FunctionBuilder(graph, "f");
    var x = b.param("x", row);
    var y = b.name(b.neg(x), "y");
    var z = b.name(b.abs(y), "z");
    var turned = new Function("f", List.of(x), List.of((Op) z, (Op) y), List.of(z), b.notes());
    errors(
        Module.empty(graph).withFunction(turned),
        "in function @f, %z = abs uses %y before its definition");
    var lost = new Function("f", List.of(x), List.of((Op) z), List.of(z), b.notes());
    errors(
        Module.empty(graph).withFunction(lost),
        "in function @f, %z = abs uses neg : f32[4], which the function does not define");
    var twice =
        new Function("f", List.of(x), List.of((Op) y, (Op) y, (Op) z), List.of(z), b.notes());
    assertThat(Verifier.verify(Module.empty(graph).withFunction(twice)))
        .extracting(Object::toString)
        .contains("in function @f, %y = neg stands twice");
  }

  @Test
  void resultsAreDefined() {
    var other = new FunctionBuilder(graph, "g");
    var foreign = other.neg(other.param("x", Type.tensor(Scalar.F32, 5)));
    errors(
        Module.empty(graph).withFunction(new FunctionBuilder(graph, "f").build(foreign)),
        "in function @f, result 0 uses neg : f32[5], which the function does not define");
  }

  @Test
  void opsFitTheirSchema() {
    var b = new FunctionBuilder(graph, "f");
    var x = b.param("x", row);
    b.at(Location.named("node 3"));
    var wrong = b.place(graph.intern(new Add(x, x, Type.tensor(Scalar.F32, 5))));
    b.name(wrong, "y");
    errors(
        Module.empty(graph).withFunction(b.build(wrong)),
        "node 3: in function @f, %y = add (C3): the result is f32[4] but f32[5] is stated; write ':"
            + " f32[4]'");
  }

  @Test
  void parametersAreNumbered() {
    errors(
        Module.empty(graph)
            .withFunction(
                new Function("f", List.of(graph.param(1, row)), List.of(), List.of(), new Notes())),
        "in function @f, parameter 0 has the index 1; parameters are numbered in order from 0");
  }

  @Test
  void weightsAreDeclaredWithTheirType() {
    var module =
        function(b -> b.add(graph.weight("w", row), graph.weight("v", row)))
            .withWeights(
                Map.of(
                    "w",
                    new WeightDef(
                        "w", Type.tensor(Scalar.F16, 4), new WeightSource.Blob("sha256:0"))));
    errors(
        module,
        "in function @f, %0 = add uses @w as f32[4], but it is f16[4]",
        "in function @f, %0 = add uses the undefined weight @v");
  }

  @Test
  void dimensionsAreDeclaredAndBounded() {
    var module = function(b -> b.neg(b.param("x", Type.tensor(Scalar.F32, Dim.symbol("T")))));
    errors(
        module,
        "in function @f, the dimension T of %x is not declared; declare it: 'dim T in [1, 8192]'");
    errors(module.withDim("T", new Bounds(1, 8)));
    errors(
        module.withDim("T", new Bounds(8, 1)),
        "dimension T has the bounds [8, 1]; the lower one must not be negative, nor above the upper"
            + " one");
  }

  @Test
  void aStateIsAppendedToOnce() {
    var t = Dim.symbol("T");
    var module =
        function(
                b -> {
                  var kv = b.param("kv", new Type.Kv(1, 2, 2, Scalar.F32));
                  var at = b.param("at", new Type.Batch(t, t));
                  var k = b.param("k", Type.tensor(Scalar.F32, t, Dim.of(1), Dim.of(2)));
                  b.name(b.kvAppend(kv, k, k, at), "a");
                  b.name(b.kvAppend(kv, b.neg(k), k, at), "b");
                })
            .withDim("T", new Bounds(1, 8));
    errors(
        module,
        "in function @f, %kv is appended to twice: by %a and by %b; append to the later version");
  }

  @Test
  void computedWeights() {
    var b = new FunctionBuilder(graph, "");
    var y = b.neg(b.param("x", row));
    var module =
        Module.empty(graph)
            .withWeights(
                Map.of(
                    "w",
                    new WeightDef(
                        "w", Type.tensor(Scalar.F32, 5), new WeightSource.Computed(b.build(y)))));
    errors(
        module,
        "weight @w is computed from parameters; compute it from weights alone",
        "weight @w is f32[5], but what computes it returns (f32[4]); return one value of the"
            + " weight's type");
  }

  @Test
  void bodiesAreChecked() {
    var inner = new FunctionBuilder(graph, "");
    var p = inner.param("p", row);
    var wrong = graph.intern(new Add(p, p, Type.tensor(Scalar.F32, 5)));
    inner.place(wrong);
    var body = inner.build(p);
    errors(
        function(b -> b.fused(List.of(b.param("x", row)), body)),
        "in a body in function @f, %0 = add (C3): the result is f32[4] but f32[5] is stated; write"
            + " ': f32[4]'");
  }
}
