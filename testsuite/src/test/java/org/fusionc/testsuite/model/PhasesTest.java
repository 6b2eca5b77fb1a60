package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.Verifier;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.fusionc.runtime.model.Compiler;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every phase of every model can be printed, parsed back, and taken up again. */
class PhasesTest {
  @Test
  void example() {
    check(Models.example());
  }

  @TestFactory
  Stream<DynamicTest> everyModelAtEveryPhase() {
    return Models.withGolden().stream()
        .map(m -> DynamicTest.dynamicTest(m.getFileName().toString(), () -> check(m)));
  }

  private static void check(Path model) {
    try (var source = Models.open(model)) {
      var phases = new ArrayList<Phase>();
      var options =
          new Compiler.Options(
              Compiler.Cut.stages(2),
              Compiler.backend("cpu"),
              Phase.SCHEDULED,
              (phase, module) -> {
                phases.add(phase);
                roundTrip(phase, module);
              });
      roundTrip(Phase.IMPORTED, source.module());
      Compiler.compile(source.module(), source.phase(), options);
      assertThat(phases)
          .isEqualTo(
              List.of(
                  Phase.RAISED,
                  Phase.OPTIMIZED,
                  Phase.QUANTIZED,
                  Phase.PARTITIONED,
                  Phase.LOWERED,
                  Phase.SCHEDULED));
    }
  }

  private static void roundTrip(Phase phase, Module module) {
    var text = FirPrinter.print(module);
    var parsed = FirParser.parse(text, phase + ".fir", module.graph(), OpRegistry.builtIn());
    assertThat(parsed.sameAs(module)).as("parse(print(m)) = m at phase %s", phase).isTrue();
    assertThat(FirPrinter.print(parsed)).as("print(parse(t)) = t at %s", phase).isEqualTo(text);
    assertThat(Verifier.verify(parsed)).as("valid at phase %s", phase).isEmpty();
  }

  @Test
  void aParsedSnapshotIsTakenUpAgainAndGivesTheSameTokens() {
    try (var source = Models.open(Models.example())) {
      var text = new String[1];
      var options =
          new Compiler.Options(
              new Compiler.Cut.Whole(),
              Compiler.backend("cpu"),
              Phase.SCHEDULED,
              (phase, module) -> {
                if (phase == Phase.OPTIMIZED) {
                  text[0] = FirPrinter.print(module);
                }
              });
      var direct = Compiler.compile(source.module(), source.phase(), options);
      var parsed =
          FirParser.parse(
              text[0], "optimized.fir", new org.fusionc.ir.Graph(), OpRegistry.builtIn());
      var resumed = Compiler.compile(parsed, Phase.OPTIMIZED, options);
      assertThat(FirPrinter.print(resumed.module())).isEqualTo(FirPrinter.print(direct.module()));
    }
  }
}
