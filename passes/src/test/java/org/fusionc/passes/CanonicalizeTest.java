package org.fusionc.passes;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CanonicalizeTest {
  private static String function(String ops, String result) {
    return "func @f(%x: f32[T, 4], %y: f32[T, 4], %v: f32[4], %h: f16[T, 4], %m: f32[3, 4], %u:"
        + " u8[4]) -> ("
        + result
        + ") {\n"
        + ops.replace(";", "\n").strip()
        + "\n}\n";
  }

  /** Ops, a bar, the type of the result, a bar, and the lines that are left. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # x + 0 = x
          %c = constant {value = 0} : f32[]; %z = add %x, %c : f32[T, 4]; return %z | f32[T, 4] | return %x
          %c = constant {value = 0} : f32[4]; %z = add %c, %x : f32[T, 4]; return %z | f32[T, 4] | return %x
          # a sum that broadcasts is more than its operand
          %c = constant {value = 0} : f32[3, 4]; %z = add %v, %c : f32[3, 4]; return %z | f32[3, 4] | %c = constant {value = 0};%z = add %v, %c;return %z
          %c = constant {value = 0.5} : f32[]; %z = add %x, %c : f32[T, 4]; return %z | f32[T, 4] | %c = constant {value = 0.5};%z = add %x, %c;return %z
          # x · 1 = x, -(-x) = x, x · -1 = -x, x + -y = x - y
          %c = constant {value = 1} : f32[]; %z = mul %x, %c : f32[T, 4]; return %z | f32[T, 4] | return %x
          %n = neg %x : f32[T, 4]; %z = neg %n : f32[T, 4]; return %z | f32[T, 4] | return %x
          %c = constant {value = -1} : f32[]; %z = mul %x, %c : f32[T, 4]; return %z | f32[T, 4] | %z = neg %x;return %z
          %n = neg %y : f32[T, 4]; %z = add %x, %n : f32[T, 4]; return %z | f32[T, 4] | %z = sub %x, %y;return %z
          # |-x| = |x|, but not where a negation wraps
          %n = neg %x : f32[T, 4]; %z = abs %n : f32[T, 4]; return %z | f32[T, 4] | %z = abs %x;return %z
          %n = neg %u : u8[4]; %z = abs %n : u8[4]; return %z | u8[4] | %n = neg %u;%z = abs %n;return %z
          # powers
          %c = constant {value = 2} : f32[]; %z = pow %x, %c : f32[T, 4]; return %z | f32[T, 4] | %z = mul %x, %x;return %z
          %c = constant {value = 3} : f32[]; %z = pow %x, %c : f32[T, 4]; return %z | f32[T, 4] | %c = constant {value = 3};%z = pow %x, %c;return %z
          %c = constant {value = 1} : f32[]; %s = sqrt %x : f32[T, 4]; %z = div %c, %s : f32[T, 4]; return %z | f32[T, 4] | %z = rsqrt %x;return %z
          # constants stand on the right
          %c = constant {value = 2} : f32[]; %z = mul %c, %x : f32[T, 4]; return %z | f32[T, 4] | %c = constant {value = 2};%z = mul %x, %c;return %z
          # a cast there and back is nothing if it is exact, and only then
          %w = cast %h {to = f32} : f32[T, 4]; %z = cast %w {to = f16} : f16[T, 4]; return %z | f16[T, 4] | return %h
          %w = cast %x {to = f16} : f16[T, 4]; %z = cast %w {to = f32} : f32[T, 4]; return %z | f32[T, 4] | %w = cast %x {to = f16};%z = cast %w {to = f32};return %z
          # shapes
          %r = reshape %x : f32[4, T]; %z = reshape %r : f32[T, 2, 2]; return %z | f32[T, 2, 2] | %z = reshape %x;return %z
          %r = reshape %x : f32[4, T]; %z = reshape %r : f32[T, 4]; return %z | f32[T, 4] | return %x
          %r = transpose %x : f32[4, T]; %z = transpose %r {permutation = [1, 0]} : f32[T, 4]; return %z | f32[T, 4] | return %x
          %z = transpose %x {permutation = [1, 0]} : f32[4, T]; return %z | f32[4, T] | %z = transpose %x;return %z
          %z = slice %x {axis = 1, end = 4} : f32[T, 4]; return %z | f32[T, 4] | return %x
          %s = slice %x {axis = 1, start = 1, end = 4} : f32[T, 3]; %z = slice %s {axis = 1, start = 1, end = 3} : f32[T, 2]; return %z | f32[T, 2] | %z = slice %x {axis = 1, start = 2, end = 4};return %z
          %c = concat %x, %y {axis = 1} : f32[T, 8]; %z = slice %c {axis = -1, start = 4, end = 8} : f32[T, 4]; return %z | f32[T, 4] | return %y
          %c = concat %x, %y {axis = 1} : f32[T, 8]; %z = slice %c {axis = 1, start = 3, end = 8} : f32[T, 5]; return %z | f32[T, 5] | %c = concat %x, %y {axis = 1};%z = slice %c {axis = 1, start = 3, end = 8};return %z
          %a = slice %x {axis = 1, end = 2} : f32[T, 2]; %b = slice %x {axis = 1, start = 2, end = 4} : f32[T, 2]; %z = concat %a, %b {axis = 1} : f32[T, 4]; return %z | f32[T, 4] | return %x
          %c = broadcast_to %v : f32[3, 4]; %z = add %m, %c : f32[3, 4]; return %z | f32[3, 4] | %z = add %m, %v;return %z
          """)
  void becomes(String ops, String result, String expected) {
    assertThat(Fir.body("canonicalize", function(ops, result)))
        .containsExactly(expected.split(";"));
  }
}
