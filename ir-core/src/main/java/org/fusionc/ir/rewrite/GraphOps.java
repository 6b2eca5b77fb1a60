package org.fusionc.ir.rewrite;

import java.util.List;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.op.Ops;
import org.jspecify.annotations.Nullable;

/** Builds ops of a graph without placing them anywhere; {@link Rewriter#substitute} does that. */
public final class GraphOps extends Ops {
  private final Graph graph;

  public GraphOps(Graph graph) {
    this.graph = graph;
  }

  @Override
  public Op build(
      OpSchema schema,
      List<? extends @Nullable Value> operands,
      List<Object> attributes,
      @Nullable Type stated) {
    return graph.build(schema, operands, attributes, stated, Location.unknown());
  }
}
