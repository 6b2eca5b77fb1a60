package org.fusionc.runtime.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final SamplingOptions WARM = SamplingOptions.greedy().withTemperature(1);

  @Test
  void greedyTakesTheLargestAndTheLowestIdAmongEquals() {
    var sampler = new Sampler(SamplingOptions.greedy());
    assertThat(sampler.next(new float[] {1, 3, -2, 3})).isEqualTo(1);
    assertThat(sampler.next(new float[] {-0f, 0f})).isEqualTo(0);
    assertThat(sampler.next(new float[] {Float.NEGATIVE_INFINITY, -9})).isEqualTo(1);
  }

  @Test
  void nativeMemoryGivesTheSame() {
    var random = new Random(1);
    var logits = new float[100];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    try (var arena = Arena.ofConfined()) {
      var segment = arena.allocateFrom(ValueLayout.JAVA_FLOAT, logits);
      var sampler = new Sampler(WARM.withSeed(5));
      for (int length = 0; length < 50; length++) {
        var history = new int[length];
        assertThat(sampler.next(segment, history)).isEqualTo(sampler.next(logits, history));
      }
    }
  }

  @Test
  void theRepetitionPenaltyCountsATokenOnceAndKnowsTheSign() {
    var sampler = new Sampler(SamplingOptions.greedy().withRepetitionPenalty(2));
    assertThat(sampler.next(new float[] {4, 3}, 0)).isEqualTo(1);
    assertThat(sampler.next(new float[] {4, 1.5f}, 0, 0, 0)).isEqualTo(0);
    assertThat(sampler.next(new float[] {-1, -1.5f}, 0)).isEqualTo(1);
    assertThat(sampler.next(new float[] {4, 3}, 7, -1)).as("ids elsewhere").isEqualTo(0);
  }

  @Test
  void theFrequencyPenaltyCountsWhatWasGeneratedAndThePresencePenaltyCountsItOnce() {
    var frequency = SamplingOptions.greedy().withFrequencyPenalty(1);
    assertThat(new Sampler(frequency).next(new float[] {4, 2.5f}, 0)).isEqualTo(0);
    assertThat(new Sampler(frequency).next(new float[] {4, 2.5f}, 0, 0)).isEqualTo(1);
    assertThat(new Sampler(frequency, 1).next(new float[] {4, 2.5f}, 0, 0))
        .as("the prompt does not count")
        .isEqualTo(0);
    var presence = SamplingOptions.greedy().withPresencePenalty(1);
    assertThat(new Sampler(presence).next(new float[] {4, 2.5f}, 0, 0, 0)).isEqualTo(0);
    assertThat(new Sampler(presence).next(new float[] {3, 2.5f}, 0)).isEqualTo(1);
    assertThat(new Sampler(presence.withPresencePenalty(-1)).next(new float[] {2, 2.5f}, 0))
        .as("a negative penalty rewards")
        .isEqualTo(0);
    assertThat(new Sampler(presence).next(new float[] {3, 2.5f}, 7, -1))
        .as("ids elsewhere")
        .isEqualTo(0);
  }

  @Test
  void biasIsAddedToTheLogits() {
    var biased = SamplingOptions.greedy().withLogitBias(Map.of(1, 2f, 99, 100f));
    assertThat(new Sampler(biased).next(new float[] {4, 2.5f, 1})).isEqualTo(1);
    var banned = SamplingOptions.greedy().withLogitBias(Map.of(0, -100f));
    assertThat(new Sampler(banned).next(new float[] {4, 2.5f, 1})).isEqualTo(1);
    var only = WARM.withLogitBias(Map.of(2, 100f)).withSeed(3);
    assertThat(draws(only, new float[] {4, 2.5f, 1}, 200)).containsExactly(0, 0, 200);
  }

  @Test
  void aChoiceKnowsItsOwnProbabilityAndTheLikeliest() {
    float[] logits = {0, 1, 2};
    var choice = LogProbabilities.choice(logits, 0, 2);
    assertThat(choice.logProbability()).isEqualTo(LogProbabilities.of(logits)[0]);
    assertThat(choice.top()).extracting(LogProbabilities.Candidate::id).containsExactly(2, 1);
    assertThat(LogProbabilities.choice(logits, 0, 0).top()).isEmpty();
  }

  @Test
  void frequenciesFollowTheTemperedSoftmax() {
    float[] logits = {0, 1, 2};
    double[] expected = LogProbabilities.of(new float[] {0, 2, 4});
    int[] counts = draws(WARM.withTemperature(0.5f), logits, 20_000);
    for (int i = 0; i < 3; i++) {
      assertThat(counts[i] / 20_000.0).isCloseTo(Math.exp(expected[i]), within(0.012));
    }
  }

  @Test
  void topKKeepsTheLargestAndWhatTiesWithTheLast() {
    assertThat(support(WARM.withTopK(2), new float[] {0, 2, 1, 3})).containsExactly(1, 3);
    assertThat(support(WARM.withTopK(2), new float[] {2, 3, 2, 0})).containsExactly(0, 1, 2);
    assertThat(support(WARM.withTopK(9), new float[] {0, 0, 0})).containsExactly(0, 1, 2);
  }

  @Test
  void topPKeepsTheFewestThatReachIt() {
    float[] logits = logs(0.5, 0.3, 0.15, 0.05);
    assertThat(support(WARM.withTopP(0.4f), logits)).containsExactly(0);
    assertThat(support(WARM.withTopP(0.6f), logits)).containsExactly(0, 1);
    assertThat(support(WARM.withTopP(0.9f), logits)).containsExactly(0, 1, 2);
    assertThat(support(WARM.withTopP(1e-6f), logits)).containsExactly(0);
  }

  @Test
  void topPIsMeasuredOnWhatTopKLeft() {
    float[] logits = logs(0.4, 0.3, 0.2, 0.1);
    // Of two tokens the first has 4/7, more than half; of all four it has 0.4, less than half.
    assertThat(support(WARM.withTopK(2).withTopP(0.5f), logits)).containsExactly(0);
    assertThat(support(WARM.withTopP(0.5f), logits)).containsExactly(0, 1);
  }

  @Test
  void minPIsRelativeToTheMostProbable() {
    float[] logits = logs(0.6, 0.3, 0.07, 0.03);
    assertThat(support(WARM.withMinP(0.2f), logits)).containsExactly(0, 1);
    assertThat(support(WARM.withMinP(1), logits)).containsExactly(0);
  }

  @Test
  void temperatureComesBeforeTopP() {
    float[] logits = logs(0.5, 0.3, 0.2);
    assertThat(support(WARM.withTemperature(0.2f).withTopP(0.9f), logits)).containsExactly(0);
    assertThat(support(WARM.withTopP(0.9f), logits)).containsExactly(0, 1, 2);
  }

  @Test
  void aTinyTemperatureIsGreedy() {
    assertThat(support(WARM.withTemperature(1e-38f), new float[] {5, 6, 4})).containsExactly(1);
  }

  @Test
  void aChoiceDependsOnSeedLogitsAndHistoryAlone() {
    var random = new Random(2);
    float[] logits = new float[50];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    var options = WARM.withTopK(20).withSeed(11);
    var used = new Sampler(options);
    used.next(new float[] {1, 2, 3});
    assertThat(used.next(logits, 1, 2)).isEqualTo(new Sampler(options).next(logits, 1, 2));
    int[] one = sequence(options, logits);
    assertThat(sequence(options, logits)).isEqualTo(one);
    assertThat(sequence(options.withSeed(12), logits)).isNotEqualTo(one);
  }

  @Test
  void masksAreRespectedWhateverTheFilter() {
    float[] logits = {Float.NEGATIVE_INFINITY, 0, Float.NEGATIVE_INFINITY, 0};
    assertThat(support(WARM, logits)).containsExactly(1, 3);
    assertThat(support(WARM.withTopP(0.999f), logits)).containsExactly(1, 3);
    assertThat(support(WARM.withTopK(2), logits)).containsExactly(1, 3);
  }

  @Test
  void unusableLogitsAreADiagnostic() {
    for (var options : new SamplingOptions[] {SamplingOptions.greedy(), WARM.withTopP(0.5f)}) {
      var sampler = new Sampler(options);
      assertThatThrownBy(() -> sampler.next(new float[] {0, Float.NaN}))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("token 1 is NaN");
      assertThatThrownBy(() -> sampler.next(new float[] {Float.POSITIVE_INFINITY}))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("infinite");
      assertThatThrownBy(() -> sampler.next(new float[] {Float.NEGATIVE_INFINITY}))
          .isInstanceOf(DiagnosticException.class)
          .hasMessageContaining("no logit is finite");
      assertThatThrownBy(() -> sampler.next(new float[0])).isInstanceOf(DiagnosticException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {-1, Float.NaN, Float.POSITIVE_INFINITY})
  void wrongOptionsAreUsageErrors(float value) {
    assertUsage(() -> SamplingOptions.greedy().withTemperature(value));
    assertUsage(() -> SamplingOptions.greedy().withTopP(value));
    assertUsage(() -> SamplingOptions.greedy().withMinP(value));
    assertUsage(() -> SamplingOptions.greedy().withRepetitionPenalty(value));
    assertUsage(() -> SamplingOptions.greedy().withTopK(-1));
    assertUsage(() -> SamplingOptions.greedy().withTopP(0));
    assertUsage(() -> SamplingOptions.greedy().withTopP(1.5f));
    assertUsage(() -> SamplingOptions.greedy().withRepetitionPenalty(0));
  }

  @Test
  void rankingSortsAsFarAsAsked() {
    float[] scores = {1, -3, 1, Float.NEGATIVE_INFINITY, 7, -0f, 0f};
    var ranking = new Ranking(scores, scores.length);
    assertThat(IntStream.range(0, 7).map(ranking::id)).containsExactly(4, 0, 2, 5, 6, 1, 3);
  }

  @Test
  void logProbabilitiesSumToOne() {
    float[] logits = {1000, 1001, 999, -1000};
    double[] logs = LogProbabilities.of(logits);
    assertThat(IntStream.range(0, 4).mapToDouble(i -> Math.exp(logs[i])).sum())
        .isCloseTo(1, within(1e-12));
    assertThat(LogProbabilities.top(logits, 2))
        .containsExactly(
            new LogProbabilities.Candidate(1, logs[1]), new LogProbabilities.Candidate(0, logs[0]));
    assertThat(LogProbabilities.of(logits, 2)).isEqualTo(logs[2]);
  }

  private static void assertUsage(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            DiagnosticException.class, e -> assertThat(e.failure()).isEqualTo(Failure.USAGE));
  }

  private static float[] logs(double... probabilities) {
    var logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(probabilities[i]);
    }
    return logits;
  }

  private static int[] draws(SamplingOptions options, float[] logits, int count) {
    var sampler = new Sampler(options);
    var counts = new int[logits.length];
    for (int i = 0; i < count; i++) {
      counts[sampler.next(logits, new int[i])]++;
    }
    return counts;
  }

  private static TreeSet<Integer> support(SamplingOptions options, float[] logits) {
    int[] counts = draws(options, logits, 800);
    var support = new TreeSet<Integer>();
    IntStream.range(0, counts.length).filter(i -> counts[i] > 0).forEach(support::add);
    return support;
  }

  private static int[] sequence(SamplingOptions options, float[] logits) {
    var sampler = new Sampler(options);
    return IntStream.range(0, 30).map(i -> sampler.next(logits, new int[i])).toArray();
  }
}
