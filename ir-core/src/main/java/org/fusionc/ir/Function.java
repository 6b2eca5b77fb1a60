package org.fusionc.ir;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A function: parameters, ops in an order in which operands come first, and results. The order is
 * kept as written; an op that nothing uses stays until a pass removes it. Equality is that of the
 * computation: name and notes do not count.
 *
 * @param name without the {@code @}; empty for the body of an op
 */
public record Function(
    String name, List<Param> params, List<Op> body, List<Value> results, Notes notes) {
  public Function {
    params = List.copyOf(params);
    body = List.copyOf(body);
    results = List.copyOf(results);
  }

  public List<Type> resultTypes() {
    return results.stream().map(Value::type).toList();
  }

  public Function withName(String other) {
    return new Function(other, params, body, results, notes);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Function f
        && params.equals(f.params)
        && body.equals(f.body)
        && results.equals(f.results);
  }

  @Override
  public int hashCode() {
    return Objects.hash(params, body, results);
  }

  @Override
  public String toString() {
    return "@" + name;
  }
}
