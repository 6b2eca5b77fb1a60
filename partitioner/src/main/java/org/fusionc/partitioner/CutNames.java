package org.fusionc.partitioner;

import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Value;

/** Gives names to the values that a plan must speak of. */
final class CutNames {
  private CutNames() {}

  /** Names a value of the function after its op, in the function's notes, if it has no name. */
  static void give(Function function, Value value) {
    function
        .notes()
        .name(
            value,
            switch (value) {
              case Op op -> op.name() + ".out";
              case Result(var op, int index, _) -> op.name() + "." + index;
              default -> "value";
            });
  }
}
