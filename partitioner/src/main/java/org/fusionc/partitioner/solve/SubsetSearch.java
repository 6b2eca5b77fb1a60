package org.fusionc.partitioner.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The best pieces over every subset and order of the devices: the dynamic programme of {@link
 * OrderSearch} over how many devices of each interchangeable group are used. Exact where it
 * finishes; it gives up when its budget of work is spent.
 */
final class SubsetSearch {
  /** Beyond this many numbers at once (8 bytes each) it does not try. */
  private static final long MAX_NUMBERS = 24_000_000;

  private static final double[] NONE = {};
  private static final double[][] NO_ROWS = {};

  /** What a search came to. */
  sealed interface Outcome {
    /** The best there is below the limit. */
    record Found(List<Piece> pieces) implements Outcome {}

    /** Nothing is below the limit: proven. */
    record Nothing() implements Outcome {}

    /** The budget was spent first. */
    record GaveUp() implements Outcome {}
  }

  private final Problem problem;
  private final List<List<Integer>> groups;
  private final int[] radix;
  private final int states;
  private long budget;

  /**
   * @param budget inner steps that all calls together may take
   */
  SubsetSearch(Problem problem, long budget) {
    this.problem = problem;
    this.budget = budget;
    groups = Interchangeable.groups(problem.cluster());
    radix = new int[groups.size()];
    long count = 1;
    for (int g = 0; g < radix.length; g++) {
      radix[g] = (int) Math.min(count, Integer.MAX_VALUE);
      count = Math.min(count * (groups.get(g).size() + 1), Integer.MAX_VALUE);
    }
    states = (int) count;
  }

  /**
   * The pieces of least latency under {@code cap} (see {@link OrderSearch#best}) and {@code limit}.
   */
  Outcome best(double cap, double limit) {
    if ((long) states * groups.size() > 4_000_000) {
      return new Outcome.GaveUp();
    }
    Optional<List<Piece>> best = Optional.empty();
    double bound = limit;
    for (int first = 0; first < groups.size(); first++) {
      var search = new FromFirst(first, cap, bound);
      if (!search.run()) {
        return new Outcome.GaveUp();
      }
      if (search.lastGroup >= 0) {
        bound = search.bound;
        best = Optional.of(search.pieces());
      }
    }
    return best.<Outcome>map(Outcome.Found::new).orElseGet(Outcome.Nothing::new);
  }

  private int used(int state, int group) {
    return state / radix[group] % (groups.get(group).size() + 1);
  }

  /** A device of the group; another one than {@link #device} of the same group if there are two. */
  private int other(int group) {
    return groups.get(group).getLast();
  }

  private int device(int group) {
    return groups.get(group).getFirst();
  }

  private double sending(int from, int to, int position, double cap) {
    return problem.sending(device(from), other(to), position, cap);
  }

  /** The search over plans whose first piece is on a device of one group. */
  private final class FromFirst {
    private final int first;
    private final double cap;

    /** By state and group the costs by position; {@link #NONE} where nothing is reached. */
    private final Map<Integer, double[][]> done = new HashMap<>();

    private final double[] reached = new double[problem.end() + 1];
    private final Sweep sweep = new Sweep(problem.end() + 1);
    private double bound;
    private int lastState;
    private int lastGroup = -1;
    private long numbers;

    FromFirst(int first, double cap, double bound) {
      this.first = first;
      this.cap = cap;
      this.bound = bound;
    }

    /** Whether it finished within the budget. */
    boolean run() {
      int end = problem.end();
      for (int state = 1; state < states; state++) {
        if (used(state, first) == 0) {
          continue;
        }
        for (int group = 0; group < groups.size(); group++) {
          if (used(state, group) == 0 || !reach(state, group)) {
            continue;
          }
          var row = new double[end + 1];
          sweep.run(problem, device(group), reached, row, cap, bound);
          budget -= end;
          double total =
              row[end]
                  + (state == radix[first]
                      ? 0
                      : problem.returning(device(group), other(first), cap));
          if (total < bound) {
            bound = total;
            lastState = state;
            lastGroup = group;
          }
          if (!keep(state, group, row)) {
            return false;
          }
        }
        if (budget < 0) {
          return false;
        }
      }
      return true;
    }

    private boolean keep(int state, int group, double[] row) {
      for (double cost : row) {
        if (cost < Double.POSITIVE_INFINITY) {
          rows(state)[group] = row;
          numbers += row.length;
          return numbers <= MAX_NUMBERS;
        }
      }
      return true;
    }

    private double[][] rows(int state) {
      return done.computeIfAbsent(
          state,
          _ -> {
            var rows = new double[groups.size()][];
            Arrays.fill(rows, NONE);
            return rows;
          });
    }

    /** Fills {@link #reached} for one more device of {@code group}; false if nothing is reached. */
    private boolean reach(int state, int group) {
      Arrays.fill(reached, Double.POSITIVE_INFINITY);
      int before = state - radix[group];
      if (before == 0) {
        if (group != first) {
          return false;
        }
        reached[0] = 0;
        return true;
      }
      var rows = done.getOrDefault(before, NO_ROWS);
      boolean any = false;
      for (int p = 0; p < rows.length; p++) {
        double[] row = rows[p];
        budget -= row.length;
        for (int i = 1; i < row.length - 1; i++) {
          if (row[i] < reached[i]) {
            double cost = row[i] + sending(p, group, i, cap);
            if (cost + problem.rest(i) < bound && cost < reached[i]) {
              reached[i] = cost;
              any = true;
            }
          }
        }
      }
      return any;
    }

    /** Walks back from the best end, taking at each step the choice that the rows came from. */
    List<Piece> pieces() {
      bound = Double.POSITIVE_INFINITY;
      var reversed = new ArrayList<int[]>();
      int state = lastState;
      int group = lastGroup;
      int to = problem.end();
      while (true) {
        reach(state, group);
        sweep.run(
            problem, device(group), reached, new double[to + 1], cap, Double.POSITIVE_INFINITY);
        int from = sweep.start[to];
        reversed.add(new int[] {group, from, to});
        if (from == 0) {
          break;
        }
        state -= radix[group];
        group = source(state, group, from);
        to = from;
      }
      return named(reversed);
    }

    private int source(int state, int group, int position) {
      int best = -1;
      double least = Double.POSITIVE_INFINITY;
      var rows = done.getOrDefault(state, NO_ROWS);
      for (int p = 0; p < rows.length; p++) {
        double[] row = rows[p];
        if (row.length > 0 && row[position] + sending(p, group, position, cap) < least) {
          least = row[position] + sending(p, group, position, cap);
          best = p;
        }
      }
      return best;
    }

    private List<Piece> named(List<int[]> reversed) {
      var next = new int[groups.size()];
      var pieces = new ArrayList<Piece>();
      for (var step : reversed.reversed()) {
        int device = groups.get(step[0]).get(next[step[0]]++);
        pieces.add(new Piece(device, problem.op(step[1]), problem.op(step[2])));
      }
      return pieces;
    }
  }
}
