package org.fusionc.testsuite.property;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Module;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.interpret.Datum;
import org.fusionc.ir.interpret.Interpreter;
import org.fusionc.ir.interpret.KvCache;

/**
 * Whether two modules compute the same. Integers, booleans and shapes must be equal. Floats may
 * differ by as much as the first module's own results do when its inputs and what its ops round are
 * disturbed by a rounding error: a difference that the problem is ill-conditioned for is nobody's
 * fault. Inputs alone do not tell: {@code exp} of what was computed from constants is as
 * ill-conditioned, and multiplies by 8 the last place of a number near 8.
 */
public final class Agreement {
  private static final int DISTURBED_RUNS = 3;

  private Agreement() {}

  /** Empty if {@code before} cannot run on random inputs of that seed; else whether it did. */
  public static Optional<List<Datum>> run(Module module, String function, long seed) {
    try {
      return Optional.of(run(module, function, seed, 0));
    } catch (DiagnosticException unfit) {
      return Optional.empty();
    }
  }

  private static List<Datum> run(Module module, String name, long seed, double disturbance) {
    var given = module.function(name);
    var function =
        disturbance == 0 ? given : Rounding.disturbed(module.graph(), given, seed, disturbance);
    var inputs = RandomInputs.of(module, function, seed, disturbance);
    return Interpreter.run(module, function, inputs.inputs(), inputs.weights());
  }

  /**
   * What differs, for the same random inputs; empty if nothing does or if {@code before} does not
   * run on them.
   *
   * @throws DiagnosticException if {@code after} does not run though {@code before} does
   */
  public static Optional<String> difference(
      Module before, Module after, String function, long seed) {
    return difference(before, function, seed, () -> run(after, function, seed, 0));
  }

  /** As above, where {@code after} gives what was computed from inputs of that seed. */
  static Optional<String> difference(
      Module before, String function, long seed, Supplier<List<? extends Datum>> after) {
    var expected = run(before, function, seed);
    if (expected.isEmpty()) {
      return Optional.empty();
    }
    var disturbed = new ArrayList<List<Datum>>();
    for (int i = 1; i <= DISTURBED_RUNS; i++) {
      try {
        disturbed.add(run(before, function, seed, i * 0x1p-21));
      } catch (DiagnosticException unfit) {
        // Says nothing of the undisturbed run.
      }
    }
    var actual = after.get();
    if (actual.size() != expected.get().size()) {
      return Optional.of(actual.size() + " results instead of " + expected.get().size());
    }
    for (int r = 0; r < actual.size(); r++) {
      int result = r;
      var difference =
          difference(
              expected.get().get(r),
              actual.get(r),
              disturbed.stream().map(d -> d.get(result)).toList());
      if (difference.isPresent()) {
        return Optional.of("result %d: %s".formatted(r, difference.get()));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> difference(Datum before, Datum after, List<Datum> disturbed) {
    if (before instanceof KvCache && after instanceof KvCache) {
      // What a cache holds shows in what reads it.
      return Optional.empty();
    }
    if (!(before instanceof Array x) || !(after instanceof Array y)) {
      return Optional.of("%s instead of %s".formatted(after.getClass(), before.getClass()));
    }
    if (!x.toString().equals(y.toString())) {
      return Optional.of(y + " instead of " + x);
    }
    double scale = 0;
    for (int i = 0; x.isReal() && i < x.size(); i++) {
      scale = Double.isFinite(x.real(i)) ? Math.max(scale, Math.abs(x.real(i))) : scale;
    }
    for (int i = 0; i < x.size(); i++) {
      if (!x.isReal()) {
        if (x.integer(i) != y.integer(i)) {
          return Optional.of(
              "element %d is %d instead of %d".formatted(i, y.integer(i), x.integer(i)));
        }
        continue;
      }
      double allowed = 8 * epsilon(x.dtype()) * scale;
      boolean isSettled = true;
      for (var other : disturbed) {
        double there = ((Array) other).real(i);
        isSettled &= Double.isFinite(there) == Double.isFinite(x.real(i));
        if (Double.isFinite(there)) {
          allowed = Math.max(allowed, 64 * Math.abs(there - x.real(i)));
        }
      }
      boolean agrees =
          Double.isFinite(x.real(i))
              ? Math.abs(x.real(i) - y.real(i)) <= allowed
              : Double.compare(x.real(i), y.real(i)) == 0;
      if (isSettled && !agrees) {
        return Optional.of(
            "element %d of %s is %s instead of %s (allowed: %s)"
                .formatted(i, x, y.real(i), x.real(i), allowed));
      }
    }
    return Optional.empty();
  }

  /** The distance of 1 to the next number. */
  private static double epsilon(Scalar dtype) {
    return switch (dtype) {
      case F64 -> 0x1p-40;
      case F32 -> 0x1p-23;
      case F16 -> 0x1p-10;
      case BF16 -> 0x1p-7;
      case F8E4M3 -> 0x1p-3;
      default -> 0x1p-2;
    };
  }
}
