package org.fusionc.partitioner.cost;

import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Value;

/** The names by which a plan's text refers to a function's values. */
public final class ValueNames {
  private ValueNames() {}

  /**
   * A value's name, without the {@code %}. One that has none is given one in the function's notes,
   * so that the function's text and the plan's agree.
   */
  public static String of(Function function, Value value) {
    var notes = function.notes();
    if (notes.name(value).isEmpty()) {
      notes.name(
          value,
          switch (value) {
            case Op op -> op.name() + ".out";
            case Result(var op, int index, _) -> op.name() + "." + index;
            default -> "value";
          });
    }
    return notes.name(value).orElseThrow();
  }
}
