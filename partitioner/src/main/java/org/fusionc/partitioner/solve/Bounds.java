package org.fusionc.partitioner.solve;

import java.util.Arrays;

/**
 * Lower bounds on any plan's value, by Lagrangian relaxation. A plan is a walk over the devices;
 * the relaxed walk may come back to a device and overfill its memory, and pays a price for each use
 * and each byte, less what the prices would be for one use and a full memory. Whatever the prices,
 * the cheapest walk then costs no more than the best plan. Subgradient steps look for good prices.
 */
final class Bounds {
  private static final int STEPS = 60;

  private final Problem problem;
  private final int end;
  private final int devices;

  /** Bytes of the ops before a position that no plan can count twice. */
  private final double[] bytes;

  private final double[] capacity;

  /** Seconds per byte of memory, and per use of a device. */
  private final double[] bytePrice;

  private final double[] usePrice;

  private final int[] uses;
  private final double[] used;

  Bounds(Problem problem) {
    this.problem = problem;
    end = problem.end();
    devices = problem.devices();
    bytes = new double[end + 1];
    // What ops 0 to i take, seen from the start, counts a shared weight at its first op only.
    for (int i = 1; i <= end; i++) {
      var need = problem.footprint().need(0, problem.op(i));
      bytes[i] = need.weights() + need.kv();
    }
    capacity =
        problem.cluster().devices().stream().mapToDouble(device -> device.memory()).toArray();
    bytePrice = new double[devices];
    usePrice = new double[devices];
    uses = new int[devices];
    used = new double[devices];
  }

  /** A proven lower bound of {@code goal}'s value; {@code target} is the value of some plan. */
  double lower(Goal goal, double target) {
    return switch (goal) {
      case Goal.Latency _ -> latency(target);
      case Goal.Period(var inFlight) -> Math.max(latency(target * inFlight) / inFlight, busiest());
    };
  }

  /** The least time that all ops take where each runs fastest, and prices on what is scarce. */
  private double latency(double target) {
    double best = 0;
    double scale = 1;
    for (int step = 0; step < STEPS; step++) {
      double bound = Math.min(cheapestWalk(), cheapestAlone());
      if (bound > best) {
        best = bound;
      } else {
        scale *= 0.9;
      }
      if (best >= target || !reprice(scale * Math.max(target - bound, target * 1e-3))) {
        break;
      }
    }
    return Math.min(best, target);
  }

  /** Moves the prices towards what the last walk overused; false if it overused nothing. */
  private boolean reprice(double length) {
    double norm = 0;
    for (int d = 0; d < devices; d++) {
      double over = (used[d] - capacity[d]) / capacity[d];
      if (over > 0 || bytePrice[d] > 0) {
        norm += over * over;
      }
      if (uses[d] > 1 || usePrice[d] > 0) {
        norm += (double) (uses[d] - 1) * (uses[d] - 1);
      }
    }
    if (norm == 0) {
      return false;
    }
    for (int d = 0; d < devices; d++) {
      double over = (used[d] - capacity[d]) / capacity[d];
      bytePrice[d] = Math.max(0, bytePrice[d] + length / norm * over / capacity[d]);
      usePrice[d] = Math.max(0, usePrice[d] + length / norm * (uses[d] - 1));
    }
    return true;
  }

  /** What a plan on one device costs at least: its real cost, where it fits. */
  private double cheapestAlone() {
    double best = Double.POSITIVE_INFINITY;
    for (int d = 0; d < devices; d++) {
      if (problem.fitting(d, end) == 0) {
        best = Math.min(best, problem.before(d, end));
      }
    }
    return best;
  }

  /** The cost of the cheapest walk of two pieces or more at the present prices. */
  private double cheapestWalk() {
    var done = new double[devices][end + 1];
    var from = new int[devices][end + 1];
    var source = new int[devices][end + 1];
    var reached = new double[devices][end + 1];
    var queue = new int[devices][end + 1];
    var head = new int[devices];
    var tail = new int[devices];
    for (int j = 0; j <= end; j++) {
      for (int d = 0; d < devices; d++) {
        finish(d, j, done[d], from[d], reached[d], queue[d], head, tail[d]);
      }
      for (int d = 0; d < devices; d++) {
        enter(d, j, done, source[d], reached[d]);
        if (reached[d][j] < Double.POSITIVE_INFINITY) {
          double cost = reached[d][j] - price(d, j);
          while (tail[d] > head[d]
              && reached[d][queue[d][tail[d] - 1]] - price(d, queue[d][tail[d] - 1]) > cost) {
            tail[d]--;
          }
          queue[d][tail[d]++] = j;
        }
      }
    }
    return trace(done, from, source) - paid();
  }

  private void finish(
      int d,
      int j,
      double[] done,
      int[] from,
      double[] reached,
      int[] queue,
      int[] head,
      int tail) {
    while (head[d] < tail && queue[head[d]] < problem.fitting(d, j)) {
      head[d]++;
    }
    done[j] = Double.POSITIVE_INFINITY;
    if (head[d] < tail) {
      int i = queue[head[d]];
      done[j] = reached[i] + price(d, j) - price(d, i) + usePrice[d];
      from[j] = i;
    }
  }

  private void enter(int d, int j, double[][] done, int[] source, double[] reached) {
    reached[j] = j == 0 ? 0 : Double.POSITIVE_INFINITY;
    source[j] = -1;
    if (j == 0 || j == end) {
      return;
    }
    for (int p = 0; p < devices; p++) {
      if (p != d && done[p][j] < reached[j]) {
        double cost = done[p][j] + problem.sending(p, d, j, Double.POSITIVE_INFINITY);
        if (cost < reached[j]) {
          reached[j] = cost;
          source[j] = p;
        }
      }
    }
  }

  private double price(int device, int position) {
    return problem.before(device, position) + bytePrice[device] * bytes[position];
  }

  private double paid() {
    double sum = 0;
    for (int d = 0; d < devices; d++) {
      sum += bytePrice[d] * capacity[d] + usePrice[d];
    }
    return sum;
  }

  /** Counts what the cheapest walk used, and gives its cost with the cheapest way back. */
  private double trace(double[][] done, int[][] from, int[][] source) {
    Arrays.fill(uses, 0);
    Arrays.fill(used, 0);
    int last = -1;
    double best = Double.POSITIVE_INFINITY;
    for (int d = 0; d < devices; d++) {
      double back = Double.POSITIVE_INFINITY;
      for (int first = 0; first < devices; first++) {
        if (first != d) {
          back = Math.min(back, problem.returning(d, first, Double.POSITIVE_INFINITY));
        }
      }
      if (done[d][end] + back < best) {
        best = done[d][end] + back;
        last = d;
      }
    }
    for (int d = last, j = end; d >= 0; ) {
      int i = from[d][j];
      uses[d]++;
      used[d] += bytes[j] - bytes[i];
      d = i == 0 ? -1 : source[d][i];
      j = i;
    }
    return best;
  }

  /**
   * The least time for which the busiest device is busy if ops may be split at will: for any shares
   * y that sum to 1, the busiest is at least the sum of y times each device's time.
   */
  private double busiest() {
    var share = new double[devices];
    Arrays.fill(share, 1.0 / devices);
    double best = 0;
    for (int step = 0; step < 4 * STEPS; step++) {
      var load = new double[devices];
      double bound = 0;
      for (int i = 0; i < end; i++) {
        int least = 0;
        double cost = Double.POSITIVE_INFINITY;
        for (int d = 0; d < devices; d++) {
          double time = problem.before(d, i + 1) - problem.before(d, i);
          if (share[d] * time < cost) {
            cost = share[d] * time;
            least = d;
          }
        }
        load[least] += problem.before(least, i + 1) - problem.before(least, i);
        bound += cost;
      }
      best = Math.max(best, bound);
      double most = Arrays.stream(load).max().orElse(0);
      if (most == 0) {
        break;
      }
      double rate = 2.0 / Math.sqrt(step + 1.0);
      double sum = 0;
      for (int d = 0; d < devices; d++) {
        share[d] *= Math.exp(rate * (load[d] / most - 1));
        sum += share[d];
      }
      for (int d = 0; d < devices; d++) {
        share[d] /= sum;
      }
    }
    return best;
  }
}
