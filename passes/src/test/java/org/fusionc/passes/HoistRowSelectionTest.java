package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** select_outputs(f(x, w), at) → f(select_outputs(x, at), w). */
class HoistRowSelectionTest {
  private static final String HEAD =
      """
      weight @w : bf16[10, 4] = file("m", "w")
      weight @n : f32[4] = file("m", "n")
      weight @o : f32[4, 4] = file("m", "o")
      """;

  @Test
  void theHeadRunsOnTheWantedRowsOnly() {
    assertThat(
            Fir.body(
                "hoist-row-selection",
                HEAD
                    + """
                    func @f(%x: f32[T, 4], %at: batch<T, S>) -> (f32[S, 10]) {
                      %n = rms_norm %x, @n : f32[T, 4]
                      %l = linear %n, @w : f32[T, 10]
                      %c = softcap %l {cap = 30} : f32[T, 10]
                      %logits = select_outputs %c, %at : f32[S, 10]
                      return %logits
                    }
                    """))
        .containsExactly(
            "%x.selected = select_outputs %x, %at",
            "%n.selected = rms_norm %x.selected, @n",
            "%l.selected = linear %n.selected, @w",
            "%logits = softcap %l.selected {cap = 30.0}",
            "return %logits");
  }

  @Test
  void aResidualIsSelectedOnceForBothOfItsUses() {
    assertThat(
            Fir.body(
                "hoist-row-selection",
                HEAD
                    + """
                    func @f(%x: f32[T, 2, 2], %r: f32[T, 4], %at: batch<T, S>) -> (f32[S, 4]) {
                      %flat = reshape %x : f32[T, 4]
                      %o = linear %flat, @o : f32[T, 4]
                      %mid = add %r, %o : f32[T, 4]
                      %n = rms_norm %mid, @n : f32[T, 4]
                      %m = linear %n, @o : f32[T, 4]
                      %out = add %mid, %m : f32[T, 4]
                      %y = select_outputs %out, %at : f32[S, 4]
                      return %y
                    }
                    """))
        .containsExactly(
            "%r.selected = select_outputs %r, %at",
            "%x.selected = select_outputs %x, %at",
            "%flat.selected = reshape %x.selected",
            "%o.selected = linear %flat.selected, @o",
            "%mid.selected = add %r.selected, %o.selected",
            "%n.selected = rms_norm %mid.selected, @n",
            "%m.selected = linear %n.selected, @o",
            "%y = add %mid.selected, %m.selected",
            "return %y");
  }

  @Test
  void staysWhereAllRowsAreNeeded() {
    var text =
        HEAD
            + """
            func @f(%x: f32[T, 4], %at: batch<T, S>) -> (f32[S, 4], f32[T, 4]) {
              %n = rms_norm %x, @n : f32[T, 4]
              %y = select_outputs %n, %at : f32[S, 4]
              return %y, %n
            }
            """;
    assertThat(Fir.fired("hoist-row-selection", text)).isZero();
    assertThat(Fir.reasons("hoist-row-selection", text))
        .containsExactly("all rows of %n are needed: it has other uses");
  }

  @Test
  void staysBehindWhatMixesRows() {
    var text =
        """
        func @f(%x: f32[T, 4], %at: batch<T, S>) -> (f32[S, 4]) {
          %m = softmax %x {axis = 0} : f32[T, 4]
          %y = select_outputs %m, %at : f32[S, 4]
          return %y
        }
        """;
    assertThat(Fir.fired("hoist-row-selection", text)).isZero();
    assertThat(Fir.reasons("hoist-row-selection", text))
        .containsExactly("softmax does not work row by row");
  }

  @Test
  void aNormAlongTheRowsMixesThem() {
    assertThat(
            Fir.fired(
                "hoist-row-selection",
                """
                func @f(%x: f32[T], %w: f32[T], %at: batch<T, S>) -> (f32[S]) {
                  %n = rms_norm %x, %w : f32[T]
                  %y = select_outputs %n, %at : f32[S]
                  return %y
                }
                """))
        .isZero();
  }

  @Test
  void aBroadcastOperandIsNotSelected() {
    assertThat(
            Fir.body(
                "hoist-row-selection",
                """
                func @f(%x: f32[T, 4], %v: f32[1, 4], %at: batch<T, S>) -> (f32[S, 4]) {
                  %a = add %x, %v : f32[T, 4]
                  %y = select_outputs %a, %at : f32[S, 4]
                  return %y
                }
                """))
        .containsExactly(
            "%x.selected = select_outputs %x, %at", "%y = add %x.selected, %v", "return %y");
  }
}
