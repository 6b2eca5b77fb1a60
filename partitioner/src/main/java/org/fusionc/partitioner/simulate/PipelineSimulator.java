package org.fusionc.partitioner.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.fusionc.partitioner.cost.Costs;
import org.fusionc.partitioner.solve.Piece;

/**
 * A pipeline in virtual time. Steps of the micro-batches go from stage to stage over the links and
 * back to the head; a device computes one step at a time and a wire carries one at a time, each in
 * the order of arrival. Nothing here knows the formulas that the planner minimises.
 */
public final class PipelineSimulator {

  /**
   * A server in the ring.
   *
   * @param busy seconds for which a step occupies it
   * @param delay seconds after that until the step reaches the next server
   */
  public record Server(double busy, double delay) {}

  /**
   * What was seen.
   *
   * @param firstStep seconds from the first micro-batch's entry to its return
   * @param period mean seconds between two returns at the head, once running in
   */
  public record Observed(double firstStep, double period) {}

  private record Arrival(double time, int server, int microBatch) implements Comparable<Arrival> {
    @Override
    public int compareTo(Arrival other) {
      int byTime = Double.compare(time, other.time);
      int byServer = byTime != 0 ? byTime : Integer.compare(server, other.server);
      return byServer != 0 ? byServer : Integer.compare(microBatch, other.microBatch);
    }
  }

  private PipelineSimulator() {}

  /** The servers that a plan's step passes: stages, the edges between them, and the way back. */
  public static List<Server> servers(Costs costs, List<Piece> pieces) {
    var servers = new ArrayList<Server>();
    for (int i = 0; i < pieces.size(); i++) {
      var piece = pieces.get(i);
      if (i > 0) {
        var link = costs.link(pieces.get(i - 1).device(), piece.device());
        servers.add(new Server(link.occupancy(costs.crossing(piece.from())), link.latency()));
      }
      servers.add(new Server(costs.range(piece.device(), piece.from(), piece.to()), 0));
    }
    if (pieces.size() > 1) {
      var link = costs.link(pieces.getLast().device(), pieces.getFirst().device());
      servers.add(new Server(link.occupancy(costs.returning()), link.latency()));
    }
    return servers;
  }

  /**
   * Sends micro-batches round until each has come back {@code rounds} times.
   *
   * @param microBatches all enter at time 0
   * @param rounds at least 2; the first half is not measured
   */
  public static Observed run(List<Server> servers, int microBatches, int rounds) {
    var free = new double[servers.size()];
    var returns = new ArrayList<Double>();
    var events = new PriorityQueue<Arrival>();
    for (int m = 0; m < microBatches; m++) {
      events.add(new Arrival(0, 0, m));
    }
    while (returns.size() < (long) rounds * microBatches) {
      var arrival = events.remove();
      var server = servers.get(arrival.server());
      double done = Math.max(arrival.time(), free[arrival.server()]) + server.busy();
      free[arrival.server()] = done;
      int next = arrival.server() + 1;
      if (next == servers.size()) {
        returns.add(done + server.delay());
        next = 0;
      }
      events.add(new Arrival(done + server.delay(), next, arrival.microBatch()));
    }
    int half = returns.size() / 2 / microBatches * microBatches;
    double period = (returns.getLast() - returns.get(half - 1)) / (returns.size() - half);
    return new Observed(returns.getFirst(), period);
  }
}
