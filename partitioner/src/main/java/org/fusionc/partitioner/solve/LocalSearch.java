package org.fusionc.partitioner.solve;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Good orders of devices: from a few natural ones, by moving one device or swapping two for as long
 * as that helps. Deterministic. The best cuts of each order are {@link OrderSearch}'s.
 */
final class LocalSearch {
  private final Problem problem;
  private final Goal goal;
  private final OrderSearch cuts;
  private final Set<List<Integer>> tried = new HashSet<>();
  private long budget;
  private double value;
  private @Nullable List<Piece> best;
  private int[] bestOrder;

  /**
   * @param value only a plan below this value is of interest
   * @param budget inner steps that it may take
   */
  LocalSearch(Problem problem, Goal goal, double value, long budget) {
    this.problem = problem;
    this.goal = goal;
    this.value = value;
    this.budget = budget;
    cuts = new OrderSearch(problem);
    bestOrder = IntStream.range(0, problem.devices()).toArray();
  }

  /** The best order found; all devices, those not used included. */
  int[] order() {
    return bestOrder;
  }

  /** The best pieces found, if any is below the value given. */
  Optional<List<Piece>> run() {
    for (var start : starts()) {
      offer(start);
    }
    boolean better = best != null;
    while (better && budget > 0) {
      better = improve();
    }
    return Optional.ofNullable(best);
  }

  /** The best pieces for one order. */
  Optional<List<Piece>> refine(int[] order) {
    offer(order);
    return Optional.ofNullable(best);
  }

  private List<int[]> starts() {
    var starts = new ArrayList<int[]>();
    var devices = problem.cluster().devices();
    var all = IntStream.range(0, devices.size()).boxed().toList();
    Comparator<Integer> fast = Comparator.comparingDouble(d -> problem.before(d, problem.end()));
    Comparator<Integer> large = Comparator.comparingDouble(d -> -devices.get(d).memory());
    var byMachine =
        Comparator.<Integer, Double>comparing(d ->
                all.stream()
                    .filter(e -> devices.get(e).machine().equals(devices.get(d).machine()))
                    .mapToDouble(e -> problem.before(e, problem.end()))
                    .min()
                    .orElseThrow())
            .thenComparing(d -> devices.get(d).machine())
            .thenComparing(fast);
    for (var order : List.of(fast, large.thenComparing(fast), byMachine)) {
      starts.add(all.stream().sorted(order).mapToInt(Integer::intValue).toArray());
    }
    all.stream().sorted(fast).limit(8).forEach(first -> starts.add(nearest(first)));
    return starts;
  }

  /** From one device always to the one that is cheapest to send to, the fastest of those first. */
  private int[] nearest(int first) {
    double bytes = problem.crossing(Math.max(1, problem.end() / 2));
    var order = new ArrayList<Integer>(List.of(first));
    while (order.size() < problem.devices()) {
      int here = order.getLast();
      int next =
          IntStream.range(0, problem.devices())
              .boxed()
              .filter(d -> !order.contains(d))
              .min(
                  Comparator.<Integer>comparingDouble(
                          d -> problem.costs().link(here, d).time(bytes))
                      .thenComparingDouble(d -> problem.before(d, problem.end())))
              .orElseThrow();
      order.add(next);
    }
    return order.stream().mapToInt(Integer::intValue).toArray();
  }

  private boolean improve() {
    int[] base = bestOrder;
    for (int a = 0; a < base.length; a++) {
      for (int b = 0; b < base.length && budget > 0; b++) {
        if (a != b && (offer(moved(base, a, b)) || (a < b && offer(swapped(base, a, b))))) {
          return true;
        }
      }
    }
    return false;
  }

  private static int[] swapped(int[] order, int a, int b) {
    var other = order.clone();
    other[a] = order[b];
    other[b] = order[a];
    return other;
  }

  private static int[] moved(int[] order, int from, int to) {
    var list = new ArrayList<>(IntStream.of(order).boxed().toList());
    list.add(to, list.remove(/* index */ from));
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Tries an order; whether it is better than all before it. */
  private boolean offer(int[] order) {
    if (!tried.add(IntStream.of(order).boxed().toList())) {
      return false;
    }
    var found = cut(order);
    if (found.isEmpty()) {
      return false;
    }
    best = found.get();
    bestOrder = usedFirst(order, best);
    return true;
  }

  /** Moves never bring in what is already there: the unused go last, in their order. */
  private static int[] usedFirst(int[] order, List<Piece> pieces) {
    var used = pieces.stream().map(Piece::device).toList();
    var all = new ArrayList<>(used);
    IntStream.of(order).filter(d -> !used.contains(d)).forEach(all::add);
    return all.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The best cuts of an order that are below the value so far, which they lower. */
  private Optional<List<Piece>> cut(int[] order) {
    Optional<List<Piece>> found = Optional.empty();
    double low = 0;
    double target = value * (1 - 1e-9);
    while (target > low) {
      budget -= (long) order.length * order.length * problem.end() / 2;
      var pieces = cuts.best(order, goal.cap(target), goal.limit(target));
      if (pieces.isPresent()) {
        found = pieces;
        value = goal.value(problem, pieces.get());
      } else {
        low = target;
      }
      if (found.isEmpty() || goal instanceof Goal.Latency || value - low < 1e-6 * value) {
        break;
      }
      target = value < Double.POSITIVE_INFINITY ? (low + value) / 2 : value;
    }
    return found;
  }
}
