package org.fusionc.runtime.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LogitsTest {
  private static Logits.Row row(float... values) {
    return new Logits.Row(MemorySegment.ofArray(values));
  }

  @Test
  void theLargestComeFirstWithAllThatEqualTheLast() {
    var row = row(1, 5, 3, 7, 3, 2, 3, 0, -1, -2, -3, -4);
    assertThat(Logits.best(row, 1))
        .isInstanceOfSatisfying(
            Logits.Best.class, best -> assertThat(best.ids()).containsExactly(3));
    assertThat(Logits.best(row, 3))
        .isInstanceOfSatisfying(
            Logits.Best.class,
            best -> {
              assertThat(best.ids()).containsExactly(3, 1, 2, 4, 6);
              assertThat(best.values()).containsExactly(7, 5, 3, 3, 3);
            });
  }

  @Test
  void whatIsNotShorterOrNotUsableStaysARow() {
    assertThat(Logits.best(row(1, 2, 3, 4), 2)).as("half").isInstanceOf(Logits.Row.class);
    assertThat(Logits.best(row(2, 2, 2, 2, 1), 1)).as("equals").isInstanceOf(Logits.Row.class);
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      var row = row(1, 2, 3, odd, 4, 5, 6, 7);
      assertThat(Logits.best(row, 1)).isSameAs(row);
      assertThatThrownBy(() -> new Sampler(SamplingOptions.greedy()).next(Logits.best(row, 1)))
          .hasMessageContaining("the logit of token 3 is");
    }
    float none = Float.NEGATIVE_INFINITY;
    assertThat(Logits.best(row(none, none, none, none), 1)).isInstanceOf(Logits.Row.class);
  }

  @Test
  void bothZerosAreTheLargest() {
    var values = new float[5000];
    Arrays.fill(values, -3);
    values[2100] = -0f;
    values[4000] = 0f;
    values[4999] = -0f;
    assertThat(Logits.best(row(values), 1))
        .isInstanceOfSatisfying(
            Logits.Best.class, best -> assertThat(best.ids()).containsExactly(2100, 4000, 4999));
    assertThat(new Sampler(SamplingOptions.greedy()).next(row(values))).isEqualTo(2100);
  }

  @Test
  void aNumberThatIsNoneIsFoundWhereverItIs() {
    for (int bits : new int[] {0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFF80_0001}) {
      var values = new float[4500];
      values[4400] = Float.intBitsToFloat(bits);
      assertThatThrownBy(() -> new Sampler(SamplingOptions.greedy()).next(row(values)))
          .hasMessageContaining("the logit of token 4400 is NaN");
    }
  }

  /** The same row over parts of all lengths, with one look at each. */
  @Test
  void theLargestIsTheOneThatOneLookAtEachFinds() {
    var random = new Random(9);
    for (int count : new int[] {1, 2, 7, 2047, 2048, 2049, 4096, 10_000}) {
      for (int round = 0; round < 20; round++) {
        var values = new float[count];
        for (int id = 0; id < count; id++) {
          values[id] = (float) random.nextGaussian() - round;
        }
        int expected = 0;
        for (int id = 0; id < count; id++) {
          expected = values[id] > values[expected] ? id : expected;
        }
        assertThat(new Sampler(SamplingOptions.greedy()).next(row(values))).isEqualTo(expected);
      }
    }
  }

  /** With few levels many logits are equal; the choice must be the same all the same. */
  @Test
  void theChoiceIsThatFromTheRow() {
    var random = new Random(3);
    var warm = SamplingOptions.greedy().withTemperature(0.7f);
    var all =
        List.of(
            SamplingOptions.greedy(),
            warm.withTopK(1),
            warm.withTopK(5),
            warm.withTopK(40).withTopP(0.8f),
            warm.withTopK(7).withMinP(0.2f).withTemperature(3));
    int best = 0;
    for (int i = 0; i < 500; i++) {
      var values = new float[100 + random.nextInt(300)];
      int levels = random.nextBoolean() ? 12 : 1 << 20;
      for (int id = 0; id < values.length; id++) {
        values[id] = (float) Math.rint(random.nextGaussian() * levels) / levels * 4;
      }
      for (var options : all) {
        var sampler = new Sampler(options.withSeed(i));
        var logits = Logits.best(row(values), options.enough());
        best += logits instanceof Logits.Best ? 1 : 0;
        assertThat(sampler.next(logits, new int[i % 9]))
            .as("%s of %s", options, values.length)
            .isEqualTo(sampler.next(row(values), new int[i % 9]));
      }
    }
    assertThat(best).isGreaterThan(1500);
  }

  @Test
  void whatLooksAtMoreNeedsAll() {
    var greedy = SamplingOptions.greedy();
    assertThat(greedy.enough()).isOne();
    assertThat(greedy.withTemperature(1).enough()).isZero();
    assertThat(greedy.withTemperature(1).withTopP(0.9f).enough()).isZero();
    assertThat(greedy.withTemperature(1).withTopK(50).enough()).isEqualTo(50);
    assertThat(greedy.withRepetitionPenalty(1.1f).enough()).isZero();
    assertThat(greedy.withFrequencyPenalty(1).enough()).isZero();
    assertThat(greedy.withPresencePenalty(1).enough()).isZero();
    assertThat(greedy.withLogitBias(java.util.Map.of(1, 2f)).enough()).isZero();
    var few = new Logits.Best(new int[] {1}, new float[] {2});
    assertThatThrownBy(() -> new Sampler(greedy.withTemperature(1).withTopK(2)).next(few))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
