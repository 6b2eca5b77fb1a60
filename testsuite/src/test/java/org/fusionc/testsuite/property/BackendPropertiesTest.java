package org.fusionc.testsuite.property;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.fusionc.ir.Function;
import org.fusionc.ir.Module;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.interpret.Datum;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.runtime.model.Compiler;
import org.junit.jupiter.api.Test;

/**
 * Random graphs on the CPU against the interpreter. Of each random module the values that the
 * backend takes are tried one by one; what it refuses is not its business. {@code
 * -Dfusionc.property.seed=N} begins elsewhere, {@code -Dfusionc.property.count=N} tries more.
 */
class BackendPropertiesTest {
  private static final long FIRST = Long.getLong("fusionc.property.seed", 0);
  private static final long COUNT = Long.getLong("fusionc.property.count", 150);
  private static final Backend CPU = Compiler.backend("cpu");

  /** As the inputs have their caches: 16 pages of 4 positions. */
  private static final Backend.Options OPTIONS = new Backend.Options(2, 16, 4);

  @Test
  void theCpuComputesWhatTheInterpreterDoes() {
    int ran = 0;
    for (long seed = FIRST; seed < FIRST + COUNT; seed++) {
      var module = RandomModules.module(seed, (int) (3 + seed % 18));
      for (var op : module.function("main").body().reversed()) {
        if (op.type() instanceof Type.Tensor type
            && type.dtype() instanceof org.fusionc.ir.DType.Scalar) {
          var one = only(module, op);
          if (compiles(one)) {
            ran++;
            check(one, seed);
          }
        }
      }
    }
    assertThat(ran).as("values that the backend took").isGreaterThan((int) COUNT);
  }

  private static void check(Module module, long seed) {
    var problem = problem(module);
    if (problem.isPresent()) {
      var small = new Shrinker(m -> problem(m).isPresent()).shrink(module);
      fail(
          Failures.keep(
              "cpu-" + seed,
              "interpret @main",
              small,
              "seed %d: %s".formatted(seed, problem(small).orElseThrow())));
    }
  }

  /** The function with this value as its only result. */
  private static Module only(Module module, Op result) {
    var main = module.function("main");
    var needed = Reachable.ops(List.of(result));
    var body = main.body().stream().filter(needed::contains).toList();
    return module.withFunction(
        new Function("main", main.params(), body, List.of(result), main.notes()));
  }

  private static boolean compiles(Module module) {
    var inputs = RandomInputs.of(module, module.function("main"), 0, 0);
    try {
      CPU.compile(CPU.legalize(module, "main"), "main", inputs.weights(), OPTIONS).close();
      return true;
    } catch (DiagnosticException refused) {
      return false;
    }
  }

  private static Optional<String> problem(Module module) {
    try {
      for (long seed = 0; seed < 2; seed++) {
        long chosen = seed;
        var difference = Agreement.difference(module, "main", seed, () -> compute(module, chosen));
        if (difference.isPresent()) {
          return difference;
        }
      }
      return Optional.empty();
    } catch (IllegalArgumentException refused) {
      // Attention to positions that nothing was appended at, which no model has.
      return String.valueOf(refused.getMessage()).contains("never written")
          ? Optional.empty()
          : Optional.of(refused.toString());
    } catch (DiagnosticException | IllegalStateException | IndexOutOfBoundsException e) {
      return Optional.of(e.toString());
    }
  }

  private static List<Datum> compute(Module module, long seed) {
    var function = module.function("main");
    var given = RandomInputs.of(module, function, seed, 0);
    var batch = new Batch(new int[0], new int[0], new int[0], List.of());
    var tensors = new ArrayList<Tensor>();
    for (var input : given.inputs()) {
      if (input instanceof Datum.Ragged(var at)) {
        batch = at;
      } else if (input instanceof Array array) {
        tensors.add(array.toTensor());
      }
    }
    var legal = CPU.legalize(module, "main");
    try (var executable = CPU.compile(legal, "main", given.weights(), OPTIONS)) {
      return executable.run(batch, tensors).stream().<Datum>map(Array::of).toList();
    }
  }
}
