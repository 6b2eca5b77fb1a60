package org.fusionc.partitioner.solve;

import java.util.Arrays;

/**
 * One device's row of the dynamic programme: from the cost of having reached each position to the
 * cost of having run a piece on this device up to each position. The ranges allowed move only
 * forward, so a queue of candidates gives every minimum in linear time altogether.
 */
final class Sweep {
  private final int[] queue;

  /** By end: where the best piece starts, or -1. */
  final int[] start;

  Sweep(int positions) {
    queue = new int[positions];
    start = new int[positions];
  }

  /**
   * Fills {@code done} from {@code reached}; both are by position and infinite where there is no
   * way.
   *
   * @param cap the longest time a piece may take
   * @param limit costs at which, with what must still follow, a plan is not wanted any more
   */
  void run(Problem problem, int device, double[] reached, double[] done, double cap, double limit) {
    Arrays.fill(start, -1);
    int head = 0;
    int tail = 0;
    int slow = 0;
    done[0] = Double.POSITIVE_INFINITY;
    for (int to = 1; to < done.length; to++) {
      if (reached[to - 1] < Double.POSITIVE_INFINITY) {
        double cost = reached[to - 1] - problem.before(device, to - 1);
        while (tail > head
            && reached[queue[tail - 1]] - problem.before(device, queue[tail - 1]) > cost) {
          tail--;
        }
        queue[tail++] = to - 1;
      }
      double here = problem.before(device, to);
      while (slow < to && here - problem.before(device, slow) > cap) {
        slow++;
      }
      int first = Math.max(slow, problem.fitting(device, to));
      while (head < tail && queue[head] < first) {
        head++;
      }
      done[to] = Double.POSITIVE_INFINITY;
      if (head < tail) {
        int from = queue[head];
        double cost = reached[from] + (here - problem.before(device, from));
        if (cost + problem.rest(to) < limit) {
          done[to] = cost;
          start[to] = from;
        }
      }
    }
  }
}
