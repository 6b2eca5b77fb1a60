package org.fusionc.testsuite.filetest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.List;
import java.util.stream.Stream;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Verifier;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.fusionc.ir.interpret.Interpreter;
import org.fusionc.ir.pass.Pass;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Depth ends in a result or a diagnostic, never in a stack overflow. */
class DepthTest {
  private static final int DEPTH = 10_000;
  private static final PassRegistry PASSES = PassRegistry.load();

  private static Module parse(String text) {
    return FirParser.parse(text, "deep.fir", new Graph(), OpRegistry.builtIn());
  }

  /** A chain that no pass makes shorter, with names that all differ. */
  private static String chain() {
    var text = new StringBuilder("fir 1.0\n\nfunc @f(%x: f32[2]) -> f32[2] {\n");
    var last = "%x";
    for (int i = 0; i < DEPTH; i++) {
      var next = "%v" + i;
      var op = i % 2 == 0 ? "sin" : "tanh";
      text.append("  %s = %s %s : f32[2]\n".formatted(next, op, last));
      last = next;
    }
    return text.append("  return ").append(last).append("\n}\n").toString();
  }

  @Test
  void aChainIsParsedPrintedVerifiedAndRun() {
    var text = chain();
    var module = parse(text);
    assertThat(FirPrinter.print(module)).isEqualTo(text);
    assertThat(Verifier.verify(module)).isEmpty();
    var results = Interpreter.run(module.function("f"), List.of(Tensor.of(new float[] {1, 2}, 2)));
    assertThat(results.getFirst().elements()).isEqualTo(2);
  }

  @TestFactory
  Stream<DynamicTest> everyPassTakesAChain() {
    return PASSES.all().stream()
        .map(Pass::name)
        .map(name ->
            DynamicTest.dynamicTest(
                name,
                () -> {
                  var thrown =
                      catchThrowable(() ->
                          new PassManager(
                                  PassManager.Settings.standard()
                                      .withReproducers(Repository.scratch()))
                              .run(parse(chain()), Pipeline.parse(name, PASSES)));
                  // Such as that there is no plan.
                  if (thrown != null) {
                    assertThat(thrown)
                        .isInstanceOfSatisfying(
                            DiagnosticException.class,
                            d -> assertThat(d.failure()).isNotEqualTo(Failure.FAILED));
                  }
                }));
  }

  @TestFactory
  Stream<DynamicTest> nesting() {
    return Stream.of(
            "func @f() -> " + "(".repeat(DEPTH),
            "func @f() -> " + "(".repeat(DEPTH) + "f32[2]" + ")".repeat(DEPTH) + " {\n}",
            "func @f" + "(".repeat(DEPTH),
            "func @f(%x: " + "f32[".repeat(DEPTH),
            "func @f(%x: f32[" + "2*".repeat(DEPTH) + "1]) -> f32[2] {\n  return %x\n}",
            "func @f(%x: f32[" + "1+".repeat(DEPTH) + "1]) -> f32[2] {\n  return %x\n}",
            "func @f() -> f32[2] {\n  %x = constant {value = " + "[".repeat(DEPTH),
            "func @f() -> f32[2] {\n  %x = neg " + "(".repeat(DEPTH),
            "func @f() -> f32[2] " + "{".repeat(DEPTH),
            "plan @p {\n  device @d " + "{".repeat(DEPTH),
            "func @f(%c: bool[]) -> () {\n"
                + "%y = if %c then () {\n".repeat(DEPTH)
                + "return\n"
                + "} else () { return }\n".repeat(DEPTH)
                + "return\n}")
        .map(text ->
            DynamicTest.dynamicTest(
                text.substring(0, Math.min(40, text.length())).replace('\n', ' '),
                () -> {
                  var thrown = catchThrowable(() -> parse("fir 1.0\n" + text));
                  if (thrown != null) {
                    assertThat(thrown).isInstanceOf(DiagnosticException.class);
                    assertThat(thrown.getMessage()).startsWith("deep.fir:");
                  }
                }));
  }
}
