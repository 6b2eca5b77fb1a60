package org.fusionc.partitioner.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Pieces for exactly so many devices, each a device of its own, such that the busiest device or
 * wire is as little busy as can be; of equals, those of least latency.
 *
 * <p>For one order of devices with busy times {@code t}: {@code f(k, j) = min over i of max(f(k-1,
 * i), send(i), t_k(i, j))}, where a piece (i, j) must fit its device.
 */
public final class EvenSearch {
  /** Positions looked at: pieces of a hundredth of the whole are even enough. */
  private static final int POSITIONS = 120;

  /** Orders of devices looked at; beyond, only those of the fastest devices. */
  private static final int MOST_ORDERS = 2000;

  private final Problem problem;
  private final int stages;
  private double best = Double.POSITIVE_INFINITY;
  private double latency = Double.POSITIVE_INFINITY;
  private Optional<List<Piece>> found = Optional.empty();
  private int orders;

  public EvenSearch(Problem problem, int stages) {
    this.problem = problem.coarse(Math.max(POSITIONS, 4 * stages));
    this.stages = stages;
  }

  /** The pieces; empty if no order of that many devices fits. */
  public Optional<List<Piece>> best() {
    if (problem.end() < stages) {
      return Optional.empty();
    }
    var fastest =
        IntStream.range(0, problem.devices())
            .boxed()
            .sorted((a, b) ->
                Double.compare(problem.before(a, problem.end()), problem.before(b, problem.end())))
            .toList();
    extend(fastest, new ArrayList<>());
    return found;
  }

  private void extend(List<Integer> devices, List<Integer> order) {
    if (orders >= MOST_ORDERS) {
      return;
    }
    if (order.size() == stages) {
      orders++;
      offer(order);
      return;
    }
    for (int device : devices) {
      if (!order.contains(device)) {
        order.add(device);
        extend(devices, order);
        order.removeLast();
      }
    }
  }

  private void offer(List<Integer> order) {
    int end = problem.end();
    var busy = new double[stages + 1][end + 1];
    var from = new int[stages + 1][end + 1];
    for (var row : busy) {
      Arrays.fill(row, Double.POSITIVE_INFINITY);
    }
    busy[0][0] = 0;
    for (int k = 1; k <= stages; k++) {
      int device = order.get(k - 1);
      for (int j = k; j <= end; j++) {
        for (int i = Math.max(k - 1, problem.fitting(device, j)); i < j; i++) {
          double entering = busy[k - 1][i];
          if (k > 1 && entering < busy[k][j]) {
            int sender = order.get(k - 2);
            double wire = problem.costs().link(sender, device).occupancy(problem.crossing(i));
            entering = Math.max(entering, wire);
          }
          double value = Math.max(entering, problem.before(device, j) - problem.before(device, i));
          if (value < busy[k][j]) {
            busy[k][j] = value;
            from[k][j] = i;
          }
        }
      }
    }
    double value = busy[stages][end];
    if (value == Double.POSITIVE_INFINITY || value > best * (1 + 1e-9)) {
      return;
    }
    var pieces = new ArrayList<Piece>();
    int to = end;
    for (int k = stages; k > 0; k--) {
      int start = from[k][to];
      pieces.addFirst(new Piece(order.get(k - 1), problem.op(start), problem.op(to)));
      to = start;
    }
    double whole = problem.latency(pieces);
    if (value < best * (1 - 1e-9) || whole < latency) {
      best = value;
      latency = whole;
      found = Optional.of(List.copyOf(pieces));
    }
  }
}
