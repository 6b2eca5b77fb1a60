package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** linear(x, w) → linear(x, quantize(w)), by rules over the names of stored weights. */
class QuantizeWeightsTest {
  private static final String WEIGHTS =
      """
      weight @table : f32[9, 40] = file("m", "table")
      weight @q : bf16[8, 40] = file("m", "q")
      weight @k : bf16[4, 40] = file("m", "k")
      weight @v : bf16[4, 40] = file("m", "v")
      weight @bias : f32[16] = file("m", "bias")
      weight @norm : f32[4] = file("m", "norm")
      """;

  /** As it is after merge-qkv and split-load-time. */
  private static final String MERGED =
      WEIGHTS
          + """
          weight @all : bf16[16, 40] = {
            %all = concat @q, @k, @v : bf16[16, 40]
            return %all
          }

          func @f(%ids: i32[T]) -> (f32[T, 8], f32[T, 4], f32[T, 4], f32[T, 9]) {
            %x = gather @table, %ids : f32[T, 40]
            %y = linear %x, @all, @bias : f32[T, 16]
            %q = slice %y {axis = 1, end = 8} : f32[T, 8]
            %k = slice %y {axis = 1, start = 8, end = 12} : f32[T, 4]
            %v = slice %y {axis = 1, start = 12, end = 16} : f32[T, 4]
            %n = rms_norm %v, @norm : f32[T, 4]
            %out = linear %x, @table : f32[T, 9]
            return %q, %k, %n, %out
          }
          """;

  private static String pipeline(String rules) {
    return "quantize{rules=\"" + rules + "\"},split-load-time,dce";
  }

  @Test
  void aMergedWeightIsPackedAsAWhole() {
    assertThat(Fir.after(pipeline("q4"), MERGED))
        .contains(
            """
            weight @all.q4 : q4<32>[16, 40] = {
              %0 = concat @q, @k, @v : bf16[16, 40]
              %all.q4 = quantize %0 {to = q4<32>} : q4<32>[16, 40]
              return %all.q4
            }
            """)
        .contains("%y = linear %x, @all.q4, @bias : f32[T, 16]")
        .contains("%x = gather @table, %ids : f32[T, 40]")
        .contains("%out = linear %x, @table.q4 : f32[T, 9]")
        .contains("rms_norm %v, @norm");
  }

  @Test
  void partsOfDifferentFormatsLeaveTheMergedProduct() {
    assertThat(Fir.body(pipeline("q4,v=q8<64>,k=none"), MERGED))
        .containsExactly(
            "%x = gather @table, %ids",
            "%q = linear %x, @q.q4, @bias.slice",
            "%k = linear %x, @k, @bias.slice.1",
            "%v = linear %x, @v.q8, @bias.slice.2",
            "%n = rms_norm %v, @norm",
            "%out = linear %x, @table.q4",
            "return %q, %k, %n, %out");
  }

  @Test
  void aTableIsPackedOnlyIfItIsNamed() {
    assertThat(Fir.body(pipeline("none,table=q8a<128>"), MERGED))
        .contains(
            "%0 = gather @table.q8a, %ids",
            "%x = dequantize %0 {to = f32}",
            "%out = linear %x, @table.q8a",
            "%y = linear %x, @all, @bias");
  }

  @Test
  void theProductWithATableGoesByTheNameOfTheHeadAsWell() {
    assertThat(Fir.body(pipeline("lm_head=bf16"), MERGED))
        .contains("%x = gather @table, %ids", "%out = linear %x, @table.bf16");
  }

  @Test
  void theLastPatternThatMatchesCounts() {
    assertThat(Fir.body(pipeline("*=none,?=q8,q=q4,k=q4,v=q4"), MERGED))
        .contains("%y = linear %x, @all.q4, @bias", "%out = linear %x, @table");
  }

  @Test
  void expertsArePackedToo() {
    var items =
        """
        weight @g : f32[3, 5, 40] = file("m", "g")
        weight @u : f32[3, 5, 40] = file("m", "u")
        weight @d : f32[3, 40, 5] = file("m", "d")

        func @f(%x: f32[T, 40], %e: i32[T, 2], %w: f32[T, 2]) -> (f32[T, 40]) {
          %y = moe %x, %e, %w, @g, @u, @d : f32[T, 40]
          return %y
        }
        """;
    assertThat(Fir.body(pipeline("q4,d=q8"), items))
        .contains("%y = moe %x, %e, %w, @g.q4, @u.q4, @d.q8");
    assertThatThrownBy(() -> Fir.body(pipeline("q4,u=q8"), items))
        .hasMessageContaining("@g is to be q4<32> and @u q8<32>");
  }

  @Test
  void whatIsQuantisedOrDependsOnTheInputStays() {
    assertThat(Fir.fired(pipeline("q4"), pack())).isZero();
  }

  private static String pack() {
    return """
    weight @w : q8<32>[4, 32] = file("m", "w")
    func @f(%x: f32[T, 32], %y: f32[4, 32]) -> (f32[T, 4], f32[T, 4]) {
      %a = linear %x, @w : f32[T, 4]
      %b = linear %x, %y : f32[T, 4]
      return %a, %b
    }
    """;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          q5            | no weight format 'q5'
          q4<16>        | groups have 32, 64 or 128
          q4,heads=q8   | no weight matches 'heads'
          q4,nor?=q8    | matches only weights that are not quantised
          q4,q8         | is not the first entry
          q=q8,q4       | is not the first entry
          q4,           | is empty
          q4,=q8        | names no weights
          """)
  void wrongRulesAreDiagnosed(String rules, String message) {
    assertThatThrownBy(() -> Fir.run(pipeline(rules), MERGED)).hasMessageContaining(message);
  }
}
