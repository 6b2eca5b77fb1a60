package org.fusionc.ir.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Verifier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Depth and length do not exhaust the stack, and time stays proportional. */
class LargeTextTest {
  private static Module chain(Graph graph, int ops) {
    var b = new FunctionBuilder(graph, "f");
    var x = b.param("x", Type.tensor(Scalar.F32, 4, 5));
    Value y = x;
    for (int i = 0; i < ops; i++) {
      y = i % 2 == 0 ? b.add(y, x) : b.mul(y, y);
      if (i % 3 == 0) {
        b.name(y, "layers." + i);
      }
    }
    return Module.empty(graph).withFunction(b.build(y));
  }

  @ParameterizedTest
  @ValueSource(ints = {10_000, 200_000})
  void aChainOfOps(int ops) {
    var graph = new Graph();
    var module = chain(graph, ops);
    var text = FirPrinter.print(module);
    assertThat(text.lines().count()).isEqualTo(ops + 5L);
    var read = FirParser.parse(text, "long.fir", graph, OpRegistry.builtIn());
    assertThat(read.sameAs(module)).isTrue();
    assertThat(FirPrinter.print(read)).isEqualTo(text);
    assertThat(Verifier.verify(module)).isEmpty();
  }

  @Test
  void longLists() {
    var text =
        "fir 1.0\n\nfunc @f() -> i64[50000] {\n  %y = constant {value = ["
            + "7, ".repeat(49_999)
            + "8]} : i64[50000]\n  return %y\n}\n";
    var module = FirParser.parse(text, "list.fir", new Graph(), OpRegistry.builtIn());
    assertThat(FirPrinter.print(module)).isEqualTo(text);
  }

  @Test
  void longDimension() {
    var text =
        "fir 1.0\ndim T in [1, 2]\n\nfunc @f(%x: f32["
            + "T+".repeat(10_000)
            + "1]) -> () {\n  return\n}\n";
    var module = FirParser.parse(text, "dim.fir", new Graph(), OpRegistry.builtIn());
    assertThat(module.function("f").params().getFirst().type()).hasToString("f32[10000*T+1]");
  }
}
