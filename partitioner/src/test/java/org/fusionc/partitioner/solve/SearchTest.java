package org.fusionc.partitioner.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.fusionc.partitioner.cluster.Cluster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SearchTest {
  private static final double EXACT = 1e-5;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void equalsExhaustiveSearch(int devices) {
    int feasible = 0;
    int several = 0;
    for (int seed = 0; seed < 300; seed++) {
      var random = new RandomInstances(seed * 10L + devices);
      var cluster = random.cluster(devices);
      var problem = RandomInstances.problem(random.chain(2 + seed % 6), cluster, 1 + seed % 3);
      for (var goal : List.of(new Goal.Latency(), new Goal.Period(1 + seed % 5))) {
        var expected = exhaustive(problem, goal);
        var found = Search.best(problem, goal, Double.POSITIVE_INFINITY);
        assertThat(found.pieces().isPresent()).as("seed %d", seed).isEqualTo(expected.isPresent());
        if (found.pieces().isPresent()) {
          feasible++;
          double value = expected.get();
          assertThat(found.value()).as("seed %d", seed).isCloseTo(value, within(value * EXACT));
          assertThat(found.lowerBound()).isLessThanOrEqualTo(value * (1 + EXACT));
          assertThat(found.lowerBound()).isGreaterThanOrEqualTo(value * (1 - EXACT));
          assertValid(problem, cluster, found.pieces().get());
          several += found.pieces().get().size() > 1 ? 1 : 0;
        }
      }
    }
    assertThat(feasible).as("instances that test something").isGreaterThan(100);
    assertThat(devices == 1 || several > 30).isTrue();
  }

  @Test
  void boundsHoldOnEveryInstance() {
    double sum = 0;
    int count = 0;
    for (int seed = 0; seed < 400; seed++) {
      var random = new RandomInstances(seed);
      var problem = RandomInstances.problem(random.chain(7), random.cluster(1 + seed % 4), 1);
      for (var goal : List.of(new Goal.Latency(), new Goal.Period(1 + seed % 5))) {
        var expected = exhaustive(problem, goal);
        if (expected.isPresent()) {
          double bound = new Bounds(problem).lower(goal, expected.get() * 1.1);
          assertThat(bound).as("seed %d", seed).isLessThanOrEqualTo(expected.get() * (1 + 1e-9));
          sum += bound / expected.get();
          count++;
        }
      }
    }
    assertThat(sum / count).as("mean bound / optimum").isGreaterThan(0.7);
  }

  @Test
  void theLocalSearchIsNearTheOptimum() {
    double worst = 1;
    for (int seed = 0; seed < 200; seed++) {
      var random = new RandomInstances(seed);
      var problem = RandomInstances.problem(random.chain(8), random.cluster(4), 1);
      var goal = new Goal.Latency();
      var expected = exhaustive(problem, goal);
      var found = new LocalSearch(problem, goal, Double.POSITIVE_INFINITY, 1_000_000).run();
      if (found.isPresent()) {
        worst = Math.max(worst, goal.value(problem, found.get()) / expected.orElseThrow());
      }
    }
    assertThat(worst).isLessThan(1.6);
  }

  @Test
  void sameInputSamePlan() {
    for (int seed = 0; seed < 50; seed++) {
      var first = new RandomInstances(seed);
      var again = new RandomInstances(seed);
      assertThat(solve(first)).isEqualTo(solve(again));
    }
  }

  private static Search.Result solve(RandomInstances random) {
    var problem = RandomInstances.problem(random.chain(8), random.cluster(4), 1);
    return Search.best(problem, new Goal.Period(3), Double.POSITIVE_INFINITY);
  }

  /** Tries every sequence of pieces. */
  private static Optional<Double> exhaustive(Problem problem, Goal goal) {
    double best = extend(problem, goal, new ArrayList<>());
    return best < Double.POSITIVE_INFINITY ? Optional.of(best) : Optional.empty();
  }

  private static double extend(Problem problem, Goal goal, List<Piece> pieces) {
    int from = pieces.isEmpty() ? 0 : pieces.getLast().to();
    int size = problem.costs().size();
    if (from == size) {
      return goal.value(problem, pieces);
    }
    double best = Double.POSITIVE_INFINITY;
    for (int device = 0; device < problem.devices(); device++) {
      int candidate = device;
      if (pieces.stream().anyMatch(piece -> piece.device() == candidate)) {
        continue;
      }
      for (int to = from + 1; to <= size; to++) {
        if (problem.footprint().total(from, to)
            <= problem.cluster().devices().get(device).memory()) {
          pieces.add(new Piece(device, from, to));
          best = Math.min(best, extend(problem, goal, pieces));
          pieces.removeLast();
        }
      }
    }
    return best;
  }

  private static void assertValid(Problem problem, Cluster cluster, List<Piece> pieces) {
    int at = 0;
    for (var piece : pieces) {
      assertThat(piece.from()).isEqualTo(at);
      assertThat(piece.to()).isGreaterThan(at);
      assertThat(problem.footprint().total(piece.from(), piece.to()))
          .isLessThanOrEqualTo(cluster.devices().get(piece.device()).memory());
      at = piece.to();
    }
    assertThat(at).isEqualTo(problem.costs().size());
    assertThat(pieces.stream().map(Piece::device)).doesNotHaveDuplicates();
  }
}
