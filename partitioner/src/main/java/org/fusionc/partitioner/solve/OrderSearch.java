package org.fusionc.partitioner.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The best contiguous cuts for a given order of devices, of which all but the first may be left
 * out. Exact; time linear in the positions and quadratic in the devices.
 */
public final class OrderSearch {
  private final Problem problem;
  private final Sweep sweep;
  private final double[][] done;
  private final double[] reached;
  private final int[][] starts;
  private final int[][] sources;

  public OrderSearch(Problem problem) {
    this.problem = problem;
    int positions = problem.end() + 1;
    sweep = new Sweep(positions);
    done = new double[problem.devices()][positions];
    reached = new double[positions];
    starts = new int[problem.devices()][positions];
    sources = new int[problem.devices()][positions];
  }

  /**
   * The pieces of least latency of which none, and no wire between them, is busy for longer than
   * {@code cap} seconds.
   *
   * @param order indices of devices, each at most once
   * @param limit only a latency below this is of interest
   * @return empty if there is none
   */
  public Optional<List<Piece>> best(int[] order, double cap, double limit) {
    int end = problem.end();
    double best = limit;
    int last = -1;
    for (int k = 0; k < order.length; k++) {
      int device = order[k];
      Arrays.fill(reached, Double.POSITIVE_INFINITY);
      if (k == 0) {
        reached[0] = 0;
      }
      Arrays.fill(sources[k], -1);
      for (int p = 0; p < k; p++) {
        var from = done[p];
        for (int i = 1; i < end; i++) {
          if (from[i] < reached[i]) {
            double cost = from[i] + problem.sending(order[p], device, i, cap);
            if (cost < reached[i]) {
              reached[i] = cost;
              sources[k][i] = p;
            }
          }
        }
      }
      sweep.run(problem, device, reached, done[k], cap, limit);
      System.arraycopy(sweep.start, 0, starts[k], 0, end + 1);
      double total = done[k][end] + (k == 0 ? 0 : problem.returning(device, order[0], cap));
      if (total < best) {
        best = total;
        last = k;
      }
    }
    if (last < 0) {
      return Optional.empty();
    }
    var pieces = new ArrayList<Piece>();
    int to = end;
    for (int k = last; k >= 0; ) {
      int from = starts[k][to];
      pieces.addFirst(new Piece(order[k], problem.op(from), problem.op(to)));
      k = sources[k][from];
      to = from;
    }
    return Optional.of(pieces);
  }
}
