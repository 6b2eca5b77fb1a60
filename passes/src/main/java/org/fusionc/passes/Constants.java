package org.fusionc.passes;

import java.util.OptionalDouble;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.BroadcastTo;
import org.fusionc.ir.op.Cast;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Reshape;

/** Recognises constants all of whose elements are one number. */
final class Constants {
  private Constants() {}

  /** The number that fills the value, seen through broadcasts and reshapes. */
  static OptionalDouble splat(Value value) {
    var current = value;
    while (true) {
      switch (current) {
        case BroadcastTo(var x, _) -> current = x;
        case Reshape(var x, _) -> current = x;
        case Cast(var x, var to, _) when to.isFloat() && Casts.isExact(x, to) -> current = x;
        case Constant(var literal, _) -> {
          var first = literal.elements().getFirst();
          return literal.elements().stream().allMatch(first::equals)
              ? OptionalDouble.of(first.doubleValue())
              : OptionalDouble.empty();
        }
        default -> {
          return OptionalDouble.empty();
        }
      }
    }
  }

  static boolean is(Value value, double number) {
    var splat = splat(value);
    return splat.isPresent() && splat.getAsDouble() == number;
  }

  /** Whether the value is the number, up to the rounding that f32 would give it. */
  static boolean isAbout(Value value, double number) {
    var splat = splat(value);
    return splat.isPresent()
        && Math.abs(splat.getAsDouble() - number) <= 1e-6 * Math.max(Math.abs(number), 1e-30);
  }
}
