package org.fusionc.testsuite.property;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.fusionc.ir.Module;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
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

/**
 * What holds of every module, tried on random ones. {@code -Dfusionc.property.seed=N} starts
 * elsewhere, {@code -Dfusionc.property.count=N} tries more.
 */
class PropertiesTest {
  private static final long FIRST = Long.getLong("fusionc.property.seed", 0);
  private static final long COUNT = Long.getLong("fusionc.property.count", 150);
  private static final PassRegistry PASSES = PassRegistry.load();

  @Test
  void whatIsPrintedParsesToTheSame() {
    check("round-trip", "print", PropertiesTest::roundTripProblem);
  }

  @TestFactory
  Stream<DynamicTest> everyPassKeepsWhatIsComputed() {
    return PASSES.all().stream()
        .map(Pass::name)
        // It is there to change what is computed, a little.
        .filter(pass -> !pass.equals("quantize"))
        .map(pass ->
            DynamicTest.dynamicTest(
                pass, () -> check(pass, "opt -p " + pass, m -> passProblem(m, pass))));
  }

  @TestFactory
  Stream<DynamicTest> everyPassIsIdempotentInText() {
    return Stream.of("canonicalize", "dce")
        .filter(pass -> PASSES.find(pass).isPresent())
        .map(pass ->
            DynamicTest.dynamicTest(
                pass, () -> check("twice-" + pass, "opt -p " + pass, m -> twice(m, pass))));
  }

  private static void check(String name, String test, Function<Module, Optional<String>> property) {
    for (long seed = FIRST; seed < FIRST + COUNT; seed++) {
      var module = RandomModules.module(seed, (int) (3 + seed % 18));
      var problem = problem(property, module);
      if (problem.isPresent()) {
        var small = new Shrinker(m -> problem(property, m).isPresent()).shrink(module);
        fail(
            Failures.keep(
                name + "-" + seed,
                test,
                small,
                "seed %d: %s".formatted(seed, problem(property, small).orElseThrow())));
      }
    }
  }

  private static Optional<String> problem(
      Function<Module, Optional<String>> property, Module module) {
    try {
      return property.apply(module);
    } catch (DiagnosticException | IllegalStateException | IndexOutOfBoundsException e) {
      return Optional.of(e.toString());
    }
  }

  private static Optional<String> roundTripProblem(Module module) {
    var text = FirPrinter.print(module);
    var parsed = FirParser.parse(text, "random.fir", module.graph(), OpRegistry.builtIn());
    if (!parsed.sameAs(module)) {
      return Optional.of("what was parsed is another module");
    }
    var again = FirPrinter.print(parsed);
    return again.equals(text) ? Optional.empty() : Optional.of("printed again it is\n" + again);
  }

  private static Module run(Module module, String pipeline) {
    return new PassManager(PassManager.Settings.standard().withReproducers(Repository.scratch()))
        .run(module, Pipeline.parse(pipeline, PASSES))
        .module();
  }

  private static Optional<String> passProblem(Module before, String pass) {
    Module after;
    try {
      after = run(before, pass);
    } catch (DiagnosticException refused) {
      // A pass may ask for more than any module has, a plan for example; it must not break.
      return refused.failure() == Failure.FAILED
          ? Optional.of(refused.toString())
          : Optional.empty();
    }
    var text = roundTripProblem(after);
    if (text.isPresent()) {
      return text;
    }
    for (long seed = 0; seed < 2; seed++) {
      var difference = Agreement.difference(before, after, "main", seed);
      if (difference.isPresent()) {
        return difference.map(d -> d + "; it became\n" + FirPrinter.print(after));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> twice(Module module, String pass) {
    var once = run(module, pass);
    var twice = run(once, pass);
    return twice.sameAs(once)
        ? Optional.empty()
        : Optional.of(
            "%s finds something new in its own output:\n%s\nbecame\n%s"
                .formatted(pass, FirPrinter.print(once), FirPrinter.print(twice)));
  }
}
