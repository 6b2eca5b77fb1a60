package org.fusionc.testsuite.property;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.TreeMap;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.interpret.Interpreter;
import org.junit.jupiter.api.Test;

class RandomModulesTest {
  @Test
  void everyOpOfTheTableIsGenerated() {
    var counts = new TreeMap<String, Integer>();
    OpRegistry.builtIn().all().forEach(schema -> counts.put(schema.name(), 0));
    for (long seed = 0; seed < 400; seed++) {
      var function = RandomModules.module(seed, 20).function("main");
      function.body().forEach(op -> counts.merge(op.name(), 1, Integer::sum));
    }
    assertThat(counts).allSatisfy((op, count) -> assertThat(count).as(op).isPositive());
  }

  @Test
  void mostModulesRun() {
    int ran = 0;
    var reasons = new TreeMap<String, Integer>();
    for (long seed = 0; seed < 300; seed++) {
      var module = RandomModules.module(seed, 15);
      var function = module.function("main");
      var inputs = RandomInputs.of(module, function, seed, 0);
      try {
        Interpreter.run(module, function, inputs.inputs(), inputs.weights());
        ran++;
      } catch (DiagnosticException refused) {
        reasons.merge(refused.getMessage(), 1, Integer::sum);
      } catch (RuntimeException crash) {
        throw new AssertionError("seed " + seed + ": " + function.body(), crash);
      }
    }
    assertThat(ran).as(reasons::toString).isGreaterThan(240);
  }

  @Test
  void aSeedGivesTheSameModule() {
    var module = RandomModules.module(7, 20).function("main");
    var again = RandomModules.module(7, 20).function("main");
    assertThat(module.body().stream().map(op -> op.name() + op.type()).toList())
        .isEqualTo(again.body().stream().map(op -> op.name() + op.type()).toList());
  }
}
