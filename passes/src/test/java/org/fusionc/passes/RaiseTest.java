package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** LLM ops in what exporters spell out. */
class RaiseTest {
  private static final String RAISE = "canonicalize,fold-constants,raise,dce";

  private static String function(String ops) {
    return """
    weight @w : f32[4] = file("m", "w")
    weight @b : f32[4] = file("m", "b")
    weight @m : bf16[4, 4] = file("m", "m")
    func @f(%x: f32[T, 4], %y: f32[T, 4]) -> (f32[T, 4]) {
    """
        + ops
        + """
          return %z
        }
        """;
  }

  private static String raised(String ops) {
    var body = Fir.body(RAISE, function(ops));
    return String.join("; ", body.subList(0, body.size() - 1));
  }

  @Test
  void silu() {
    var ops =
        """
        %s = sigmoid %x : f32[T, 4]
        %z = mul %s, %x : f32[T, 4]
        """;
    assertThat(raised(ops)).isEqualTo("%z = silu %x");
    assertThat(Fir.reasons(RAISE, function(ops.replace("mul %s, %x", "mul %s, %y"))))
        .containsExactly("no silu: the sigmoid is of %x, the other factor is %y");
  }

  @Test
  void swiglu() {
    assertThat(
            raised(
                """
                %s = sigmoid %x : f32[T, 4]
                %g = mul %x, %s : f32[T, 4]
                %z = mul %y, %g : f32[T, 4]
                """))
        .isEqualTo("%z = swiglu %x, %y");
  }

  private static final String GELU =
      """
      %half = constant {value = 0.5} : f32[]
      %root = constant {value = 1.4142135} : f32[]
      %one = constant {value = 1} : f32[]
      %d = div %x, %root : f32[T, 4]
      %e = erf %d : f32[T, 4]
      %s = add %one, %e : f32[T, 4]
      %p = mul %x, %s : f32[T, 4]
      %z = mul %p, %half : f32[T, 4]
      """;

  @Test
  void gelu() {
    assertThat(raised(GELU)).isEqualTo("%z = gelu %x");
    assertThat(Fir.reasons(RAISE, function(GELU.replace("value = 0.5", "value = 0.25"))))
        .anyMatch(reason -> reason.startsWith("no gelu: it is scaled by 0.25"));
  }

  @Test
  void geluByTanh() {
    var ops =
        """
        %half = constant {value = 0.5} : f32[]
        %three = constant {value = 3} : f32[]
        %c = constant {value = 0.044715} : f32[]
        %r = constant {value = 0.7978845608} : f32[]
        %one = constant {value = 1} : f32[]
        %cube = pow %x, %three : f32[T, 4]
        %k = mul %c, %cube : f32[T, 4]
        %i = add %x, %k : f32[T, 4]
        %j = mul %r, %i : f32[T, 4]
        %t = tanh %j : f32[T, 4]
        %s = add %t, %one : f32[T, 4]
        %h = mul %half, %x : f32[T, 4]
        %z = mul %h, %s : f32[T, 4]
        """;
    assertThat(raised(ops)).isEqualTo("%z = gelu %x {approximate = \"tanh\"}");
    assertThat(Fir.reasons(RAISE, function(ops.replace("0.044715", "0.05")))).hasSize(1);
  }

  @Test
  void softcap() {
    var ops =
        """
        %c = constant {value = 30} : f32[]
        %d = div %x, %c : f32[T, 4]
        %t = tanh %d : f32[T, 4]
        %z = mul %t, %c : f32[T, 4]
        """;
    assertThat(raised(ops)).isEqualTo("%z = softcap %x {cap = 30.0}");
    assertThat(Fir.reasons(RAISE, function(ops.replace("div %x, %c", "mul %x, %c")))).hasSize(1);
  }

  private static final String RMS =
      """
      %two = constant {value = 2} : f32[]
      %eps = constant {value = 1e-5} : f32[]
      %one = constant {value = 1} : f32[]
      %sq = pow %x, %two : f32[T, 4]
      %mean = reduce_mean %sq {axes = [-1]} : f32[T, 1]
      %e = add %mean, %eps : f32[T, 1]
      %s = sqrt %e : f32[T, 1]
      %r = div %one, %s : f32[T, 1]
      %n = mul %x, %r : f32[T, 4]
      %z = mul @w, %n : f32[T, 4]
      """;

  @Test
  void rmsNorm() {
    assertThat(raised(RMS)).isEqualTo("%z = rms_norm %x, @w {eps = 1e-5}");
    assertThat(Fir.reasons(RAISE, function(RMS.replace("pow %x, %two", "pow %y, %two"))))
        .containsExactly("no norm: the mean is not of the square of %x");
    assertThat(raised(RMS.replace("axes = [-1]", "axes = [0]").replace("[T, 1]", "[1, 4]")))
        .doesNotContain("rms_norm");
  }

  @Test
  void layerNorm() {
    var ops =
        """
        %eps = constant {value = 1e-5} : f32[]
        %mean = reduce_mean %x {axes = [1]} : f32[T, 1]
        %d = sub %x, %mean : f32[T, 4]
        %sq = mul %d, %d : f32[T, 4]
        %var = reduce_mean %sq {axes = [1]} : f32[T, 1]
        %e = add %var, %eps : f32[T, 1]
        %s = sqrt %e : f32[T, 1]
        %n = div %d, %s : f32[T, 4]
        %k = mul %n, @w : f32[T, 4]
        %z = add %k, @b : f32[T, 4]
        """;
    assertThat(raised(ops)).isEqualTo("%z = layer_norm %x, @w, @b");
  }

  @Test
  void linear() {
    var ops =
        """
        %c = cast @m {to = f32} : f32[4, 4]
        %t = transpose %c : f32[4, 4]
        %p = matmul %x, %t : f32[T, 4]
        %z = add @b, %p : f32[T, 4]
        """;
    assertThat(raised(ops)).isEqualTo("%z = linear %x, @m, @b");
    assertThat(raised(ops.replace("matmul %x, %t", "matmul %x, %c")))
        .isEqualTo("%0 = transpose @m; %z = linear %x, %0, @b");
  }

  @Test
  void aProductOfTwoInputsIsNoLinear() {
    var text =
        """
        func @f(%x: f32[T, 4], %y: f32[4, 3]) -> (f32[T, 3]) {
          %z = matmul %x, %y : f32[T, 3]
          return %z
        }
        """;
    assertThat(Fir.fired("raise", text)).isZero();
    assertThat(Fir.reasons("raise", text)).containsExactly("no linear: %y depends on the input");
  }
}
