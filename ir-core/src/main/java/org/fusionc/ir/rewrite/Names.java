package org.fusionc.ir.rewrite;

import java.util.ArrayList;
import java.util.Collections;
import org.fusionc.ir.Function;
import org.fusionc.ir.Op;
import org.fusionc.ir.Result;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.Weight;

/** What messages call a function's values. */
public final class Names {
  private Names() {}

  /**
   * {@code %name} or {@code @symbol}; {@code %a, %b} for an op with several results; for a value
   * without a name what it is, as in {@code an unnamed add}.
   */
  public static String of(Function function, Value value) {
    if (value instanceof Weight weight) {
      return "@" + weight.symbol();
    }
    var name = function.notes().name(value);
    if (name.isPresent()) {
      return "%" + name.get();
    }
    if (value instanceof Op op && op.type() instanceof Type.Tuple tuple) {
      var parts = new ArrayList<String>(Collections.nCopies(tuple.parts().size(), "_"));
      function
          .notes()
          .names()
          .forEach((named, text) -> {
            if (named instanceof Result result && result.op().equals(op)) {
              parts.set(result.index(), "%" + text);
            }
          });
      if (parts.stream().anyMatch(part -> part.startsWith("%"))) {
        return String.join(", ", parts);
      }
    }
    return switch (value) {
      case Op op -> "an unnamed " + op.name();
      case Result result ->
          "result %d of an unnamed %s".formatted(result.index(), result.op().name());
      default -> value.toString();
    };
  }
}
