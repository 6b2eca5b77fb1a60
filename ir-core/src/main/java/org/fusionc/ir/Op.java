package org.fusionc.ir;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.fusionc.ir.op.Ops;
import org.jspecify.annotations.Nullable;

/**
 * A pure operation. Its records are generated from the op table; a plug-in may write its own. The
 * record is its value: an op with one result is used as an operand directly, one with several has a
 * {@link Type.Tuple} and is used through {@link Result}.
 */
public interface Op extends Value {
  OpSchema schema();

  /** The operands in order; an optional one that is absent is null. */
  List<@Nullable Value> operands();

  /** The attributes, in the order of the schema. */
  List<Object> attributes();

  default String name() {
    return schema().name();
  }

  /** The operands that are present. */
  default List<Value> inputs() {
    return operands().stream().filter(Objects::nonNull).toList();
  }

  /**
   * What the op means in terms of other ops, built by {@code b} from its operands: its results, one
   * or several. This is for ops of plug-ins; those of the table answer empty, and {@link
   * org.fusionc.ir.decompose.Decomposer} knows them.
   */
  default Optional<List<Value>> decomposition(Ops b) {
    return Optional.empty();
  }

  /** The functions that this op holds as attributes. */
  default List<Function> bodies() {
    return attributes().stream()
        .filter(Function.class::isInstance)
        .map(Function.class::cast)
        .toList();
  }
}
