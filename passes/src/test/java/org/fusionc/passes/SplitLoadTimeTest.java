package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** f(weights) → @w, computed when loading. */
class SplitLoadTimeTest {
  private static final String HEAD =
      """
      weight @q : bf16[4, 4] = file("m", "q")
      weight @k : bf16[2, 4] = file("m", "k")
      """;

  @Test
  void theLargestSubexpressionBecomesAWeight() {
    assertThat(
            Fir.after(
                "split-load-time",
                HEAD
                    + """
                    func @f(%x: f32[T, 4]) -> (f32[6, T]) {
                      // one below the other
                      %qk = concat @q, @k : bf16[6, 4]
                      %w = transpose %qk : bf16[4, 6]
                      %t = transpose %w : bf16[6, 4]
                      %y = linear %x, %t : f32[T, 6]
                      %z = transpose %y : f32[6, T]
                      return %z
                    }
                    """))
        .isEqualTo(
            HEAD
                + """
                weight @t : bf16[6, 4] = {
                  // one below the other
                  %qk = concat @q, @k : bf16[6, 4]
                  %w = transpose %qk : bf16[4, 6]
                  %t = transpose %w : bf16[6, 4]
                  return %t
                }

                func @f(%x: f32[T, 4]) -> f32[6, T] {
                  %y = linear %x, @t : f32[T, 6]
                  %z = transpose %y : f32[6, T]
                  return %z
                }\
                """);
  }

  @Test
  void anUnnamedValueIsCalledAfterItsWeight() {
    assertThat(
            Fir.after(
                "split-load-time",
                HEAD
                    + """
                    func @f(%x: f32[T, 4]) -> (f32[T, 4]) {
                      %0 = transpose @q : bf16[4, 4]
                      %1 = linear %x, %0 : f32[T, 4]
                      return %1
                    }
                    """))
        .contains("weight @q.transpose : bf16[4, 4] = {")
        .contains("linear %x, @q.transpose");
  }

  @Test
  void frequenciesAreComputedOnceForAllLayers() {
    var text =
        """
        func @f(%x: f32[T, 1, 4], %at: batch<T, S>) -> (f32[T, 1, 4]) {
          %freqs = rope_frequencies : f32[2]
          %r = rope %x, %freqs, %at : f32[T, 1, 4]
          %s = rope %r, %freqs, %at : f32[T, 1, 4]
          return %s
        }
        """;
    assertThat(Fir.body("split-load-time", text))
        .containsExactly("%r = rope %x, @freqs, %at", "%s = rope %r, @freqs, %at", "return %s");
    assertThat(Fir.fired("split-load-time", text)).isEqualTo(1);
  }

  @Test
  void weightsConstantsAndBroadcastsStay() {
    assertThat(
            Fir.fired(
                "split-load-time",
                HEAD
                    + """
                    func @f(%x: f32[T, 4]) -> (f32[T, 4], bf16[2, 4], bf16[8, 2, 4]) {
                      %c = constant {value = 2} : f32[4]
                      %y = mul %x, %c : f32[T, 4]
                      %b = broadcast_to @k : bf16[8, 2, 4]
                      return %y, @k, %b
                    }
                    """))
        .isZero();
  }

  @Test
  void whatDependsOnASymbolIsForRunTime() {
    assertThat(
            Fir.fired(
                "split-load-time",
                """
                func @f(%x: f32[T]) -> (f32[T]) {
                  %c = constant {value = 2} : f32[T]
                  %n = neg %c : f32[T]
                  %s = reduce_sum %n {keep_dims = false} : f32[]
                  %y = mul %x, %s : f32[T]
                  return %y
                }
                """))
        .isZero();
  }

  @Test
  void runningItAgainChangesNothing() {
    var text =
        HEAD
            + """
            func @f(%x: f32[T, 4]) -> (f32[T, 4]) {
              %t = transpose @q : bf16[4, 4]
              %y = linear %x, %t : f32[T, 4]
              return %y
            }
            """;
    assertThat(Fir.after("split-load-time,split-load-time", text))
        .isEqualTo(Fir.after("split-load-time", text));
  }
}
