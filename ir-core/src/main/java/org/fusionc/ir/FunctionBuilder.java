package org.fusionc.ir;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.op.Ops;
import org.jspecify.annotations.Nullable;

/**
 * Builds a function op by op, in order: {@code var y = b.add(x, b.mul(u, v)); b.name(y, "y");
 * b.build(y)}. An op that is equal to an earlier one is that one.
 */
public final class FunctionBuilder extends Ops {
  private final Graph graph;
  private final String name;
  private final List<Param> params = new ArrayList<>();
  private final List<Op> body = new ArrayList<>();
  private final Set<Op> placed = new HashSet<>();
  private final Notes notes = new Notes();
  private Location location = Location.unknown();

  /**
   * @param name the function's, without the {@code @}; empty for the body of an op
   */
  public FunctionBuilder(Graph graph, String name) {
    this.graph = graph;
    this.name = name;
  }

  public Graph graph() {
    return graph;
  }

  public Notes notes() {
    return notes;
  }

  /** Adds a parameter; {@code paramName} is without the {@code %}. */
  public Param param(String paramName, Type type) {
    var param = graph.param(params.size(), type);
    params.add(param);
    notes.name(param, paramName);
    return param;
  }

  /** Ops built from here on come from this place. */
  public void at(Location place) {
    location = place;
  }

  @Override
  public Op build(
      OpSchema schema,
      List<? extends @Nullable Value> operands,
      List<Object> attributes,
      @Nullable Type stated) {
    return place(graph.build(schema, operands, attributes, stated, location));
  }

  /** Puts an interned op, whose operands are placed already, at the end if it is not there yet. */
  public Op place(Op op) {
    if (placed.add(op)) {
      body.add(op);
      notes.location(op, location);
    }
    return op;
  }

  public boolean isPlaced(Op op) {
    return placed.contains(op);
  }

  public Result result(Op op, int index) {
    return graph.result(op, index);
  }

  /** Names the value, and gives it back. */
  public <V extends Value> V name(V value, String valueName) {
    notes.name(value, valueName);
    return value;
  }

  public Function build(List<? extends Value> results) {
    return new Function(name, params, body, List.copyOf(results), notes);
  }

  public Function build(Value... results) {
    return build(List.of(results));
  }
}
