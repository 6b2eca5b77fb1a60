package org.fusionc.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.fusionc.ir.diagnostic.Location;
import org.jspecify.annotations.Nullable;

/**
 * The interner of values: within one graph, two equal pure expressions are one object. A module,
 * its phases and everything derived from it share a graph. Thread-safe.
 */
public final class Graph {
  /** A value by its parts; operands compare by identity, everything else by its own equality. */
  private record Key(Object kind, List<Object> parts) {}

  /** Stands for an absent operand in a key. */
  private static final Object ABSENT = new Object();

  private final ConcurrentMap<Key, Value> values = new ConcurrentHashMap<>();

  public Param param(int index, Type type) {
    return (Param)
        values.computeIfAbsent(
            new Key(Param.class, List.of(index, type)), k -> new Param(index, type));
  }

  public Weight weight(String symbol, Type type) {
    return (Weight)
        values.computeIfAbsent(
            new Key(Weight.class, List.of(symbol, type)), k -> new Weight(symbol, type));
  }

  /** Result {@code index} of an op of this graph that has several. */
  public Result result(Op op, int index) {
    if (!(op.type() instanceof Type.Tuple tuple)) {
      throw new IllegalArgumentException(op + " has a single result");
    }
    var type = tuple.parts().get(index);
    return (Result)
        values.computeIfAbsent(
            new Key(Result.class, List.of(op, index)), k -> new Result(op, index, type));
  }

  /**
   * The op with these parts; checked against its schema and with its type inferred.
   *
   * @param stated its type as the text or caller states it; null to infer
   * @throws org.fusionc.ir.diagnostic.DiagnosticException naming the violated constraint
   */
  public Op build(
      OpSchema schema,
      List<? extends @Nullable Value> operands,
      List<Object> attributes,
      @Nullable Type stated,
      Location location) {
    var all = new ArrayList<@Nullable Value>(operands);
    for (int i = all.size(); i < schema.operands().size(); i++) {
      if (schema.operands().get(i).arity() == OpSchema.Arity.OPTIONAL) {
        all.add(null);
      }
    }
    var type = schema.infer(all, attributes, stated, location);
    return intern(schema.create(all, attributes, type));
  }

  /** The one op equal to the given one, whose operands are of this graph. */
  public Op intern(Op op) {
    var parts = new ArrayList<Object>();
    for (var operand : op.operands()) {
      parts.add(operand == null ? ABSENT : operand);
    }
    parts.addAll(op.attributes());
    parts.add(op.type());
    return (Op) values.computeIfAbsent(new Key(op.schema(), List.copyOf(parts)), k -> op);
  }

  /** The op of the same kind and type with other operands. */
  public Op withOperands(Op op, List<? extends @Nullable Value> operands) {
    return intern(
        op.schema().create(new ArrayList<@Nullable Value>(operands), op.attributes(), op.type()));
  }
}
