package org.fusionc.passes;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.Div;
import org.fusionc.ir.op.Mul;
import org.fusionc.ir.op.Pow;

/**
 * A product taken apart: a number times factors, however it was bracketed and ordered.
 *
 * @param scale the product of all constant factors
 * @param factors the others, in the order in which they stand
 */
record Products(double scale, List<Value> factors) {
  /** More factors than any pattern has: what is longer is not taken apart further. */
  private static final int MOST = 12;

  static Products of(Value value) {
    double scale = 1;
    var factors = new ArrayList<Value>();
    var todo = new ArrayDeque<Value>();
    todo.push(value);
    for (int steps = 0; !todo.isEmpty(); steps++) {
      boolean opens = steps < MOST;
      var next = todo.pop();
      OptionalDouble constant = Constants.splat(next);
      if (constant.isPresent()) {
        scale *= constant.getAsDouble();
        continue;
      }
      switch (next) {
        case Mul(var x, var y, _) when opens -> {
          todo.push(y);
          todo.push(x);
        }
        case Div(var x, var y, _) when opens && Constants.splat(y).orElse(0) != 0 -> {
          scale /= Constants.splat(y).getAsDouble();
          todo.push(x);
        }
        case Pow(var x, var y, _) when Constants.is(y, 3) -> {
          factors.add(x);
          factors.add(x);
          factors.add(x);
        }
        case Pow(var x, var y, _) when Constants.is(y, 2) -> {
          factors.add(x);
          factors.add(x);
        }
        default -> factors.add(next);
      }
    }
    return new Products(scale, factors);
  }

  boolean isAbout(double number) {
    return Math.abs(scale - number) <= 1e-4 * Math.abs(number);
  }

  /** Whether the factors are these, in any order. */
  boolean hasFactors(Value... expected) {
    var rest = new ArrayList<>(factors);
    for (var each : expected) {
      if (!rest.remove(each)) {
        return false;
      }
    }
    return rest.isEmpty();
  }

  /** The factors without one occurrence of the given one. */
  List<Value> without(Value factor) {
    var rest = new ArrayList<>(factors);
    rest.remove(factor);
    return rest;
  }
}
