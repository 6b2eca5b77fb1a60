package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FusionsTest {
  private static final String NORM = "weight @n : f32[4] = file(\"m\", \"n\")\n";

  @Test
  void theSumAndItsNormAreOneOp() {
    assertThat(
            Fir.body(
                "fuse-add-rms-norm",
                NORM
                    + """
                    func @f(%x: f32[T, 4], %r: f32[T, 4]) -> (f32[T, 4], f32[T, 4]) {
                      %layers.0.out = add %x, %r : f32[T, 4]
                      %n = rms_norm %layers.0.out, @n {eps = 1e-5} : f32[T, 4]
                      %y = add %layers.0.out, %n : f32[T, 4]
                      return %y, %layers.0.out
                    }
                    """))
        .containsExactly(
            "%layers.0.out, %n = add_rms_norm %x, %r, @n {eps = 1e-5}",
            "%y = add %layers.0.out, %n", "return %y, %layers.0.out");
  }

  @Test
  void whoUsedTheSumBeforeTheNormGetsItFromTheFusedOp() {
    assertThat(
            Fir.body(
                "fuse-add-rms-norm",
                NORM
                    + """
                    func @f(%x: f32[T, 4], %r: f32[T, 4]) -> (f32[T, 4], f32[T, 4]) {
                      %s = add %x, %r : f32[T, 4]
                      %before = silu %s : f32[T, 4]
                      %n = layer_norm %s, @n : f32[T, 4]
                      return %before, %n
                    }
                    """))
        .containsExactly(
            "%s, %n = add_layer_norm %x, %r, @n", "%before = silu %s", "return %before, %n");
  }

  @Test
  void aBroadcastSumIsNotFused() {
    var text =
        NORM
            + """
            func @f(%x: f32[T, 4], %v: f32[4]) -> (f32[T, 4]) {
              %s = add %x, %v : f32[T, 4]
              %n = rms_norm %s, @n : f32[T, 4]
              return %n
            }
            """;
    assertThat(Fir.fired("fuse-add-rms-norm", text)).isZero();
    assertThat(Fir.reasons("fuse-add-rms-norm", text))
        .containsExactly("the sum broadcasts f32[T, 4] and f32[4]");
  }

  @Test
  void aWeightThatDependsOnTheSumIsNoObstacleToTermination() {
    assertThat(
            Fir.reasons(
                "fuse-add-rms-norm",
                """
                func @f(%x: f32[4], %r: f32[4]) -> (f32[4]) {
                  %s = add %x, %r : f32[4]
                  %w = neg %s : f32[4]
                  %n = rms_norm %s, %w : f32[4]
                  return %n
                }
                """))
        .containsExactly("the norm's weights depend on the sum");
  }

  private static final String ROPE =
      """
      func @f(%q: f32[T, 2, 4], %k: f32[T, 1, 4], %v: f32[T, 1, 4], %freqs: f32[2], %at: batch<T, S>, %kv: kv<1, 4, 4, f32>) -> (f32[T, 2, 4], kv<1, 4, 4, f32>) {
        %qr = rope %q, %freqs, %at {scale = 1.5} : f32[T, 2, 4]
        %kr = rope %k, %freqs, %at {interleaved = true} : f32[T, 1, 4]
        %next = kv_append %kv, %kr, %v, %at : kv<1, 4, 4, f32>
        %a = attention %qr, %next, %at {scale = 0.5, window = 3} : f32[T, 2, 4]
        return %a, %next
      }
      """;

  @Test
  void rotationMovesIntoAttentionAndAppend() {
    assertThat(Fir.body("fuse-rope", ROPE))
        .containsExactly(
            "%next = rope_kv_append %kv, %k, %v, %freqs, %at {interleaved = true}",
            "%a = rope_attention %q, %next, %freqs, %at {rope_scale = 1.5, scale = 0.5, window ="
                + " 3}",
            "return %a, %next");
  }

  @Test
  void aRotatedValueWithAnotherUseStays() {
    var text = ROPE.replace("return %a, %next", "return %qr, %next");
    assertThat(Fir.fired("fuse-rope", text)).isEqualTo(1);
    var both =
        ROPE.replace("%q: f32[T, 2, 4], %k", "%q: f32[T, 1, 4], %k")
            .replace(
                "%q, %freqs, %at {scale = 1.5} : f32[T, 2, 4]",
                "%k, %freqs, %at {interleaved = true} : f32[T, 1, 4]")
            .replace("f32[T, 2, 4]", "f32[T, 1, 4]");
    assertThat(Fir.reasons("fuse-rope", both)).contains("the rotated value %qr has 2 uses");
  }

  private static final String GATED =
      """
      func @f(%x: f32[T, 4], %w: f32[8, 4], %b: f32[8]) -> (f32[T, 4]) {
        %p = linear %x, %w, %b : f32[T, 8]
        %h = packed_swiglu %p : f32[T, 4]
        return %h
      }
      """;

  @Test
  void aMergedProjectionIsGatedWhereItIsComputed() {
    assertThat(Fir.body("fuse-gated-linear", GATED))
        .containsExactly("%h = gated_linear %x, %w, %b", "return %h");
    assertThat(Fir.body("fuse-gated-linear", GATED.replace("packed_swiglu", "packed_geglu")))
        .containsExactly("%h = gated_linear %x, %w, %b {activation = \"gelu\"}", "return %h");
    var tanh = GATED.replace("packed_swiglu %p", "packed_geglu %p {approximate = \"tanh\"}");
    assertThat(Fir.body("fuse-gated-linear", tanh))
        .containsExactly("%h = gated_linear %x, %w, %b {activation = \"gelu_tanh\"}", "return %h");
  }

  @Test
  void aProjectionWithAnotherUseIsNotGatedThere() {
    var text =
        GATED.replace("-> (f32[T, 4])", "-> (f32[T, 4], f32[T, 8])").replace("%h\n", "%h, %p\n");
    assertThat(Fir.reasons("fuse-gated-linear", text))
        .containsExactly("the projection %p has 2 uses");
  }

  @Test
  void halvesInTheWrongOrderAreNotPacked() {
    var text =
        """
        func @f(%x: f32[T, 8]) -> (f32[T, 4]) {
          %g = slice %x {axis = 1, start = 4, end = 8} : f32[T, 4]
          %u = slice %x {axis = 1, end = 4} : f32[T, 4]
          %h = geglu %g, %u {approximate = "tanh"} : f32[T, 4]
          return %h
        }
        """;
    assertThat(Fir.reasons("fuse-swiglu", text))
        .containsExactly("up comes before gate in what they are slices of");
    assertThat(Fir.body("fuse-swiglu", text.replace("geglu %g, %u", "geglu %u, %g")))
        .containsExactly("%h = packed_geglu %x {approximate = \"tanh\"}", "return %h");
  }

  @Test
  void smallConstantsFold() {
    assertThat(
            Fir.body(
                "fold-constants",
                """
                func @f(%x: f32[3]) -> (f32[3], i32[4]) {
                  %a = constant {value = 2} : f32[]
                  %b = constant {value = [1, 2, 3]} : f32[3]
                  %c = mul %a, %b : f32[3]
                  %y = add %x, %c : f32[3]
                  %i = iota : i32[4]
                  %j = add %i, %i : i32[4]
                  return %y, %j
                }
                """))
        .containsExactly(
            "%c = constant {value = [2.0, 4.0, 6.0]}",
            "%y = add %x, %c", "%j = constant {value = [0, 2, 4, 6]}", "return %y, %j");
  }

  @Test
  void largeOrImpossibleConstantsDoNot() {
    assertThat(
            Fir.reasons(
                "fold-constants{limit=8}",
                """
                func @f() -> (f32[9], f32[1]) {
                  %a = constant {value = 2} : f32[9]
                  %b = neg %a : f32[9]
                  %i = constant {value = 7} : i32[1]
                  %s = constant {value = [1, 2]} : f32[2]
                  %g = gather %s, %i : f32[1]
                  return %b, %g
                }
                """))
        .anyMatch(reason -> reason.equals("9 elements are over the limit of 8"))
        .anyMatch(reason -> reason.contains("index 7"));
  }
}
