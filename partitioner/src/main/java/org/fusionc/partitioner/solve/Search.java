package org.fusionc.partitioner.solve;

import java.util.List;
import java.util.Optional;

/** The best plan that can be found, with a proven bound of how much better one could be. */
public final class Search {
  /** Inner steps of about a nanosecond each. */
  private static final long EXACT_BUDGET = 4_000_000_000L;

  private static final long LOCAL_BUDGET = 500_000_000L;

  /** Closer than this, two values count as one. */
  private static final double EPSILON = 1e-6;

  /**
   * What was found.
   *
   * @param pieces the best plan; empty if none of interest was found
   * @param value of the goal for that plan, seconds of one step; without one, what was of interest
   * @param lowerBound no plan has a value below this
   */
  public record Result(Optional<List<Piece>> pieces, double value, double lowerBound) {}

  private Search() {}

  /**
   * Searches for the plan of least value.
   *
   * @param interest only a plan below this value is of interest; may be infinite
   */
  public static Result best(Problem problem, Goal goal, double interest) {
    var local = local(problem, goal, interest);
    double value = local.map(pieces -> goal.value(problem, pieces)).orElse(interest);
    return exact(problem, goal, local, value);
  }

  private static Optional<List<Piece>> local(Problem problem, Goal goal, double interest) {
    var coarse = problem.coarse(Math.max(96, 8 * problem.devices()));
    var rough = new LocalSearch(coarse, goal, interest, LOCAL_BUDGET);
    var found = rough.run();
    if (coarse == problem) {
      return found;
    }
    double value = found.map(pieces -> goal.value(problem, pieces)).orElse(interest);
    var fine = new LocalSearch(problem, goal, value, found.isPresent() ? 0 : LOCAL_BUDGET);
    return fine.refine(rough.order()).or(found.isPresent() ? () -> found : fine::run);
  }

  /** Looks for better than {@code value} among all orders and subsets, or proves there is none. */
  private static Result exact(
      Problem problem, Goal goal, Optional<List<Piece>> start, double startValue) {
    var search = new SubsetSearch(problem, EXACT_BUDGET);
    var best = start;
    double value = startValue;
    double low = 0;
    double target = value * (1 - EPSILON / 10);
    while (low < value * (1 - EPSILON)) {
      switch (search.best(goal.cap(target), goal.limit(target))) {
        case SubsetSearch.Outcome.Found(var pieces) -> {
          best = Optional.of(pieces);
          value = goal.value(problem, pieces);
          if (goal instanceof Goal.Latency) {
            low = value;
          }
        }
        case SubsetSearch.Outcome.Nothing _ -> low = target;
        case SubsetSearch.Outcome.GaveUp _ -> {
          return new Result(
              best, value, Math.min(value, Math.max(low, new Bounds(problem).lower(goal, value))));
        }
      }
      target = (low + value) / 2;
    }
    return new Result(best, value, value);
  }
}
