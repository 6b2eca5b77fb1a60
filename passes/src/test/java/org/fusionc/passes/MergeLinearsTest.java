package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** linear(x, w₁), …, linear(x, wₙ) → slices of linear(x, concat(w₁, …, wₙ)). */
class MergeLinearsTest {
  private static String attention(String q, String k, String weights) {
    return weights
        + """
        func @f(%%x: f32[T, 4], %%at: batch<T, S>, %%kv: kv<1, 2, 2, f32>) -> (f32[T, 2, 2], kv<1, 2, 2, f32>) {
          %%attn.q = linear %%x, %s : f32[T, 4]
          %%attn.k = linear %%x, %s : f32[T, 2]
          %%attn.v = linear %%x, @attn.v : f32[T, 2]
          %%qh = reshape %%attn.q : f32[T, 2, 2]
          %%kh = reshape %%attn.k : f32[T, 1, 2]
          %%vh = reshape %%attn.v : f32[T, 1, 2]
          %%next = kv_append %%kv, %%kh, %%vh, %%at : kv<1, 2, 2, f32>
          %%a = attention %%qh, %%next, %%at {scale = 1} : f32[T, 2, 2]
          return %%a, %%next
        }
        """
            .formatted(q, k);
  }

  private static final String WEIGHTS =
      """
      weight @attn.q : bf16[4, 4] = file("m", "q")
      weight @attn.k : bf16[2, 4] = file("m", "k")
      weight @attn.v : bf16[2, 4] = file("m", "v")
      weight @attn.k32 : f32[2, 4] = file("m", "k32")
      weight @attn.qb : f32[4] = file("m", "qb")
      """;

  @Test
  void queriesKeysAndValuesOfOneInputMerge() {
    assertThat(Fir.body("merge-qkv,split-load-time", attention("@attn.q", "@attn.k", WEIGHTS)))
        .startsWith(
            "%attn.q_k_v = linear %x, @attn.q_k_v.merged",
            "%attn.q = slice %attn.q_k_v {axis = 1, end = 4}",
            "%attn.k = slice %attn.q_k_v {axis = 1, start = 4, end = 6}",
            "%attn.v = slice %attn.q_k_v {axis = 1, start = 6, end = 8}",
            "%qh = reshape %attn.q");
  }

  @Test
  void notOfDifferentDtypes() {
    var text = attention("@attn.q", "@attn.k32", WEIGHTS);
    assertThat(Fir.fired("merge-qkv", text)).isZero();
    assertThat(Fir.reasons("merge-qkv", text))
        .containsExactly(
            "the weights of %attn.q, %attn.k, %attn.v have different dtypes, bf16 and f32");
  }

  @Test
  void notIfSomeHaveABias() {
    var text = attention("@attn.q, @attn.qb", "@attn.k", WEIGHTS);
    assertThat(Fir.reasons("merge-qkv", text))
        .containsExactly("only some of %attn.q, %attn.k, %attn.v have a bias");
  }

  @Test
  void gateAndUpMergeAndAreGatedInPlace() {
    assertThat(
            Fir.body(
                "merge-gate-up,fuse-swiglu,split-load-time",
                """
                weight @mlp.gate : bf16[6, 4] = file("m", "gate")
                weight @mlp.up : bf16[6, 4] = file("m", "up")
                func @f(%x: f32[T, 4]) -> (f32[T, 6]) {
                  %mlp.up = linear %x, @mlp.up : f32[T, 6]
                  %mlp.gate = linear %x, @mlp.gate : f32[T, 6]
                  %h = swiglu %mlp.gate, %mlp.up : f32[T, 6]
                  return %h
                }
                """))
        .containsExactly(
            "%mlp.gate_up = linear %x, @mlp.gate_up.merged",
            "%h = packed_swiglu %mlp.gate_up", "return %h");
  }

  @Test
  void gateAndUpOfDifferentInputsDoNot() {
    assertThat(
            Fir.fired(
                "merge-gate-up",
                """
                weight @gate : bf16[6, 4] = file("m", "gate")
                weight @up : bf16[6, 4] = file("m", "up")
                func @f(%x: f32[T, 4], %y: f32[T, 4]) -> (f32[T, 6]) {
                  %g = linear %x, @gate : f32[T, 6]
                  %u = linear %y, @up : f32[T, 6]
                  %h = swiglu %g, %u : f32[T, 6]
                  return %h
                }
                """))
        .isZero();
  }
}
