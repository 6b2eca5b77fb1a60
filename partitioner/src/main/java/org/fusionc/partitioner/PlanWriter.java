package org.fusionc.partitioner;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import org.fusionc.ir.Value;
import org.fusionc.ir.ValueNames;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Edge;
import org.fusionc.ir.plan.Link;
import org.fusionc.ir.plan.Origin;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.PlanValue;
import org.fusionc.ir.plan.Quantity;
import org.fusionc.ir.plan.Stage;
import org.fusionc.ir.plan.Unit;
import org.fusionc.ir.plan.Unit.Dimension;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cluster.ClusterDevice;
import org.fusionc.partitioner.cost.Costs;
import org.fusionc.partitioner.cost.Liveness;
import org.fusionc.partitioner.solve.Piece;

/** Writes pieces on devices as a plan, with what each stage and edge holds and takes. */
final class PlanWriter {
  private static final String RETURN = "return of the token";

  private final Workload workload;
  private final List<Piece> pieces;
  private final int microBatch;
  private final List<WireFormat> formats;
  private final Costs decode;
  private final ValueNames names;

  /** Every edge in f32. */
  PlanWriter(Workload workload, List<Piece> pieces, int microBatch) {
    this(workload, pieces, microBatch, Collections.nCopies(pieces.size() - 1, WireFormat.F32));
  }

  /**
   * @param microBatch sequences that step together
   * @param formats by edge
   */
  PlanWriter(Workload workload, List<Piece> pieces, int microBatch, List<WireFormat> formats) {
    this.workload = workload;
    this.pieces = pieces;
    this.microBatch = microBatch;
    this.formats = formats;
    decode = workload.decode(microBatch);
    names = ValueNames.of(liveness().function());
  }

  Plan plan(String name, OptionalDouble bound) {
    return new Plan(
        name,
        workload.options().objective().toString(),
        bound,
        expect(),
        workload.cluster().devices().stream().map(ClusterDevice::line).toList(),
        links(),
        stages(),
        edges(),
        Origin.NONE);
  }

  private Attributes expect() {
    var options = workload.options();
    var expect =
        Attributes.NONE
            .with("context", new Quantity(options.context(), Unit.NONE))
            .with("batch", new Quantity(options.batch(), Unit.NONE));
    if (microBatch != options.batch()) {
      expect = expect.with("micro_batch", new Quantity(microBatch, Unit.NONE));
    }
    double latency = takes(decode, true).values().stream().mapToDouble(x -> x).sum();
    double busiest = takes(decode, false).values().stream().mapToDouble(x -> x).max().orElse(0);
    double period = Math.max(busiest, latency * microBatch / options.batch());
    var prefill = takes(workload.prefill(), true);
    // Only the last chunk of a prompt gives a token to send back.
    prefill.remove(RETURN);
    double prompt = prefill.values().stream().mapToDouble(x -> x).sum();
    return expect
        .with("decode", latency, Dimension.SECONDS)
        .with("prefill", prompt / workload.prefill().step().tokens(), Dimension.SECONDS_PER_TOKEN)
        .with("throughput", microBatch / period, Dimension.TOKENS_PER_SECOND)
        .with("bottleneck", new PlanValue.Text(bottleneck()));
  }

  /** Bytes that cross to stage {@code i} from the one before it, as they travel. */
  private double sent(Costs costs, int i) {
    return costs.crossing(pieces.get(i).from()) * formats.get(i - 1).ratio();
  }

  /** Seconds to send to stage {@code i} from the one before it. */
  private double sending(Costs costs, int i) {
    return costs.link(pieces.get(i - 1).device(), pieces.get(i).device()).time(sent(costs, i));
  }

  /**
   * Seconds by stage, edge and the way back.
   *
   * @param wholly with links' latencies; otherwise only for how long each is busy
   */
  private Map<String, Double> takes(Costs costs, boolean wholly) {
    var takes = new LinkedHashMap<String, Double>();
    for (int i = 0; i < pieces.size(); i++) {
      var piece = pieces.get(i);
      if (i > 0) {
        var link = costs.link(pieces.get(i - 1).device(), piece.device());
        takes.put(
            "edge stage " + (i - 1) + " -> stage " + i,
            wholly ? link.time(sent(costs, i)) : link.occupancy(sent(costs, i)));
      }
      takes.put("stage " + i, costs.range(piece.device(), piece.from(), piece.to()));
    }
    if (pieces.size() > 1) {
      var link = costs.link(pieces.getLast().device(), pieces.getFirst().device());
      takes.put(RETURN, wholly ? link.time(costs.returning()) : link.occupancy(costs.returning()));
    }
    return takes;
  }

  /** For latency what takes longest; for throughput what is busy longest. */
  private String bottleneck() {
    var takes = takes(decode, workload.options().objective() == Objective.LATENCY);
    return takes.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
  }

  private List<Link> links() {
    var cluster = workload.cluster();
    var lines = new ArrayList<Link>();
    for (var link : cluster.links()) {
      lines.add(Cluster.line(link.from(), link.to(), link.both(), link.speed()));
    }
    // A plan without link lines takes all links to be infinitely fast; it gets none in return.
    cluster
        .defaultLink()
        .filter(speed -> Double.isFinite(speed.bandwidth()))
        .ifPresent(speed -> lines.add(Cluster.defaultLine(speed)));
    return lines;
  }

  private List<Stage> stages() {
    var stages = new ArrayList<Stage>();
    for (int i = 0; i < pieces.size(); i++) {
      var piece = pieces.get(i);
      var need = workload.footprint().need(piece.from(), piece.to());
      double step = workload.prefill().range(piece.device(), piece.from(), piece.to());
      boolean toEnd = piece.to() == workload.chain().size();
      stages.add(
          new Stage(
              i,
              device(piece).name(),
              liveness().function().name(),
              toEnd
                  ? Optional.empty()
                  : Optional.of(names.results(liveness().steps().get(piece.to() - 1)).getFirst()),
              Attributes.NONE
                  .with("weights", need.weights(), Dimension.BYTES)
                  .with("kv", need.kv(), Dimension.BYTES)
                  .with("activations", need.activations(), Dimension.BYTES)
                  .with(
                      "decode",
                      decode.range(piece.device(), piece.from(), piece.to()),
                      Dimension.SECONDS)
                  .with(
                      "prefill",
                      step / workload.prefill().step().tokens(),
                      Dimension.SECONDS_PER_TOKEN),
              Origin.NONE));
    }
    return stages;
  }

  private ClusterDevice device(Piece piece) {
    return workload.cluster().devices().get(piece.device());
  }

  private List<Edge> edges() {
    var edges = new ArrayList<Edge>();
    for (int i = 1; i < pieces.size(); i++) {
      int position = pieces.get(i).from();
      edges.add(
          new Edge(
              i - 1,
              i,
              names(liveness().crossing(position)),
              Attributes.NONE
                  .with("encode", new PlanValue.Word(formats.get(i - 1).toString()))
                  .with("size", sent(decode, i) / microBatch, Dimension.BYTES_PER_TOKEN)
                  .with("decode", sending(decode, i), Dimension.SECONDS)
                  .with(
                      "prefill",
                      sending(workload.prefill(), i) / workload.prefill().step().tokens(),
                      Dimension.SECONDS_PER_TOKEN),
              Origin.NONE));
    }
    return edges;
  }

  private List<String> names(List<Value> values) {
    return values.stream().map(value -> Objects.requireNonNull(names.name(value))).toList();
  }

  private Liveness liveness() {
    return workload.chain().liveness();
  }
}
