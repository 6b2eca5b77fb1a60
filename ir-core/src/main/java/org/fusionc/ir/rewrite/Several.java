package org.fusionc.ir.rewrite;

import java.util.List;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;

/** The values that replace the results of one op; never an operand. */
record Several(List<Value> values) implements Value {
  Several {
    values = List.copyOf(values);
  }

  @Override
  public Type type() {
    return new Type.Tuple(values.stream().map(Value::type).toList());
  }
}
