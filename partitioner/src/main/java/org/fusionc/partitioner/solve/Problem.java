package org.fusionc.partitioner.solve;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.fusionc.partitioner.cluster.Cluster;
import org.fusionc.partitioner.cost.Costs;
import org.fusionc.partitioner.cost.Footprint;

/**
 * Cut a chain into pieces, each on its own device, each fitting that device's memory. Positions are
 * where cuts may fall: position 0 is before the first op, the last one after the last op.
 */
public final class Problem {
  private final Costs costs;
  private final Footprint footprint;
  private final Cluster cluster;
  private final int[] positions;

  /** {@code fitting[d][j]}: the first position from which a piece up to j fits on device d. */
  private final int[][] fitting;

  /** By position: the least time in which what follows it can run on any devices. */
  private final double[] rest;

  /** Every op boundary may be a cut. */
  public Problem(Costs costs, Footprint footprint, Cluster cluster) {
    this(costs, footprint, cluster, IntStream.rangeClosed(0, costs.size()).toArray());
  }

  private Problem(Costs costs, Footprint footprint, Cluster cluster, int[] positions) {
    this.costs = costs;
    this.footprint = footprint;
    this.cluster = cluster;
    this.positions = positions;
    fitting = new int[costs.devices()][];
    for (int device = 0; device < fitting.length; device++) {
      fitting[device] = fitting(footprint.fitting(cluster.devices().get(device).memory()));
    }
    rest = rest();
  }

  private int[] fitting(int[] byOp) {
    var first = new int[positions.length];
    int from = 0;
    for (int to = 0; to < positions.length; to++) {
      while (positions[from] < byOp[positions[to]]) {
        from++;
      }
      first[to] = from;
    }
    return first;
  }

  private double[] rest() {
    var least = new double[costs.size() + 1];
    for (int op = costs.size() - 1; op >= 0; op--) {
      double best = Double.POSITIVE_INFINITY;
      for (int device = 0; device < costs.devices(); device++) {
        best = Math.min(best, costs.range(device, op, op + 1));
      }
      least[op] = least[op + 1] + best;
    }
    return Arrays.stream(positions).mapToDouble(position -> least[position]).toArray();
  }

  /**
   * The same problem with at most about {@code count} positions, spread evenly over the chain, each
   * where least crosses in its neighbourhood. Its answers are answers of this problem.
   */
  public Problem coarse(int count) {
    int size = positions.length - 1;
    if (size <= count) {
      return this;
    }
    var chosen = new int[count + 1];
    for (int i = 1; i < count; i++) {
      int low = (int) ((long) size * (2 * i - 1) / (2L * count));
      int high = (int) ((long) size * (2 * i + 1) / (2L * count));
      int best = Math.max(low, 1);
      for (int j = best + 1; j < high; j++) {
        if (crossing(j) < crossing(best)) {
          best = j;
        }
      }
      chosen[i] = positions[best];
    }
    chosen[count] = positions[size];
    return new Problem(
        costs, footprint, cluster, Arrays.stream(chosen).distinct().sorted().toArray());
  }

  public int devices() {
    return costs.devices();
  }

  Cluster cluster() {
    return cluster;
  }

  Costs costs() {
    return costs;
  }

  Footprint footprint() {
    return footprint;
  }

  /** The index of the last position. */
  int end() {
    return positions.length - 1;
  }

  int op(int position) {
    return positions[position];
  }

  int fitting(int device, int to) {
    return fitting[device][to];
  }

  double before(int device, int position) {
    return costs.before(device)[positions[position]];
  }

  double crossing(int position) {
    return costs.crossing(positions[position]);
  }

  double rest(int position) {
    return rest[position];
  }

  /**
   * Seconds to send what crosses at a position; infinite if the wire is busy for over {@code cap}.
   */
  double sending(int from, int to, int position, double cap) {
    var link = costs.link(from, to);
    double occupancy = link.occupancy(crossing(position));
    return occupancy > cap ? Double.POSITIVE_INFINITY : link.latency() + occupancy;
  }

  /** Seconds for the chosen tokens to go back; infinite as for {@link #sending}. */
  double returning(int last, int first, double cap) {
    var link = costs.link(last, first);
    double occupancy = link.occupancy(costs.returning());
    return occupancy > cap ? Double.POSITIVE_INFINITY : link.latency() + occupancy;
  }

  /** Seconds from a token's entry into the first piece until the next can enter. */
  public double latency(List<Piece> pieces) {
    double sum = 0;
    for (int i = 0; i < pieces.size(); i++) {
      var piece = pieces.get(i);
      sum += costs.range(piece.device(), piece.from(), piece.to());
      if (i > 0) {
        sum +=
            costs
                .link(pieces.get(i - 1).device(), piece.device())
                .time(costs.crossing(piece.from()));
      }
    }
    if (pieces.size() > 1) {
      sum +=
          costs.link(pieces.getLast().device(), pieces.getFirst().device()).time(costs.returning());
    }
    return sum;
  }

  /** Seconds for which the busiest device or wire is busy in one step. */
  public double busiest(List<Piece> pieces) {
    double most = 0;
    for (int i = 0; i < pieces.size(); i++) {
      var piece = pieces.get(i);
      most = Math.max(most, costs.range(piece.device(), piece.from(), piece.to()));
      if (i > 0) {
        var link = costs.link(pieces.get(i - 1).device(), piece.device());
        most = Math.max(most, link.occupancy(costs.crossing(piece.from())));
      }
    }
    if (pieces.size() > 1) {
      var link = costs.link(pieces.getLast().device(), pieces.getFirst().device());
      most = Math.max(most, link.occupancy(costs.returning()));
    }
    return most;
  }
}
