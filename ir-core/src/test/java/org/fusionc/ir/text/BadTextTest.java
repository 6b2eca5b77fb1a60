package org.fusionc.ir.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Failure;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Wrong texts, each with its whole message, line and column. */
class BadTextTest {
  private static List<String> errors(String text) {
    var thrown =
        catchThrowableOfType(
            DiagnosticException.class,
            () -> FirParser.parse(text, "bad.fir", new Graph(), OpRegistry.builtIn()));
    assertThat(thrown).as("%s is accepted", text).isNotNull();
    assertThat(thrown.failure()).isEqualTo(Failure.INVALID_INPUT);
    return thrown.diagnostics().stream().map(Object::toString).toList();
  }

  /** Line 6 of a text that is right but for this line. */
  private static String op(String line) {
    return """
    fir 1.0
    dim T in [1, 8]
    weight @w : f32[4] = file("m", "w")
    func @f(%x: f32[T, 4], %at: batch<T, T>, %kv: kv<1, 4, 4, f32>) -> f32[T, 4] {
      %a = add %x, %x : f32[T, 4]
      OP
      %z = mul %a, %x : f32[T, 4]
      return %z
    }
    """
        .replace("OP", line);
  }

  private static String item(String line) {
    return """
    fir 1.0
    dim T in [1, 8]
    ITEM

    func @f(%x: f32[T]) -> f32[T] {
      return %x
    }
    """
        .replace("ITEM", line);
  }

  private record Case(String text, String... errors) {}

  private static final List<Case> OPS =
      List.of(
          new Case(
              "%y = rms_nrom %x, @w : f32[T, 4]",
              "6:8: unknown op 'rms_nrom'; did you mean 'rms_norm'?"),
          new Case(
              "%y = rms_norm %x, @w {epps = 1e-5} : f32[T, 4]",
              "6:25: unknown attribute 'epps' of rms_norm; did you mean 'eps'?"),
          new Case(
              "%y = add %x, %x {alpha = 1} : f32[T, 4]",
              "6:20: unknown attribute 'alpha' of add; add has no attributes"),
          new Case(
              "%y = softcap %x : f32[T, 4]",
              "6:8: softcap needs its attribute {cap = …}; give a value after the operands"),
          new Case(
              "%y = fused %x : f32[T, 4]",
              "6:8: fused needs its attribute body (…) { … }; give a value after the operands"),
          new Case(
              "%y = softcap %x {cap = \"x\"} : f32[T, 4]",
              "6:26: attribute cap must be a number but is \"x\""),
          new Case(
              "%y = softmax %x {axis = 1.5} : f32[T, 4]",
              "6:27: attribute axis must be an integer but is 1.5"),
          new Case(
              "%y = softmax %x {axis = 1, axis = 1} : f32[T, 4]",
              "6:30: attribute axis is given twice; remove one of the two"),
          new Case(
              "%y = gelu %x {approximate = \"tan\"} : f32[T, 4]",
              "6:31: attribute approximate must be one of \"none\", \"tanh\" but is \"tan\"; did"
                  + " you mean 'tanh'?"),
          new Case(
              "%y = reduce_sum %x {axes = 1} : f32[T, 1]",
              "6:30: attribute axes must be a list of integers such as [0, 1] but is 1"),
          new Case(
              "%y = cast %x {to = f33} : f32[T, 4]",
              "6:22: unknown dtype 'f33'; did you mean" + " 'f32'?"),
          new Case("%y = add %x, %q : f32[T, 4]", "6:16: undefined value %q; did you mean '%a'?"),
          new Case(
              "%y = add %x, %z : f32[T, 4]",
              "6:16: %z is used before its definition at bad.fir:7:3; move the definition above"
                  + " this line"),
          new Case(
              "%a = mul %x, %x : f32[T, 4]",
              "6:3: %a is defined already, at bad.fir:5:3; give one of the two another name"),
          new Case("%y = mul %x, @v : f32[T, 4]", "6:16: undefined weight @v; did you mean '@w'?"),
          new Case(
              "%y = mul %x, @f : f32[T, 4]",
              "6:16: @f is a function, not a weight; did you mean '@w'?"),
          new Case("%y = neg %x : f32[U, 4]", "6:21: undefined dimension 'U'; did you mean 'T'?"),
          new Case(
              "%y = neg %x : f32[T, 5]",
              "6:8: neg (C2): the result is f32[T, 4] but f32[T, 5] is stated; write ': f32[T,"
                  + " 4]'"),
          new Case(
              "%y = rms_norm %x, %x : f32[T, 4]",
              "6:8: rms_norm (C2): weight must be W[D] but is f32[T, 4]: its rank is 2"),
          new Case("%y = add %x : f32[T, 4]", "6:8: add: 1 operand is given; add takes x, y"),
          new Case(
              "%y, %y2 = neg %x : f32[T, 4]",
              "6:3: neg has 1 result but 2 names are given; name every result"),
          new Case(
              "%y = add_rms_norm %x, %x, @w",
              "6:3: add_rms_norm has 2 results but 1 name is given; name every result"),
          new Case("%y = reshape %x", "6:8: reshape: the result's type must be stated"),
          new Case(
              "%y = constant {value = 99999999999999999999} : i64[]",
              "6:26: 99999999999999999999 does not fit in 64 bits"),
          new Case(
              "%y = constant {value = 1e999} : f32[]",
              "6:26: 1e999 is too large a number; write 'inf'"),
          // Syntax.
          new Case(
              "%y = add %x %x : f32[T, 4]",
              "6:15: expected '{', ',', 'loc', ':' or a new line, found '%x'"),
          new Case("%y = add %x, : f32[T, 4]", "6:16: expected an operand, found ':'"),
          new Case("%y = add %x,", "6:15: expected an operand, found a new line"),
          new Case("%y add %x, %x", "6:6: expected ',' or '=', found 'add'"),
          new Case("%y = %x", "6:8: expected an op, found '%x'"),
          new Case("%y = add %x, %x : ", "6:20: expected a type, found a new line"),
          new Case("%y = add %x, %x : [4]", "6:21: expected a type, found '['"),
          new Case("%y = add %x, %x : f32", "6:24: expected '[' or '<', found a new line"),
          new Case(
              "%y = add %x, %x : f32[T 4]", "6:27: expected ']', ',', '+', '-' or '*', found '4'"),
          new Case("%y = add %x, %x : f32[T, ]", "6:28: expected a dimension, found ']'"),
          new Case("%y = softcap %x {cap 3} : f32[T, 4]", "6:24: expected '=', found '3'"),
          new Case("%y = softcap %x {cap = } : f32[T, 4]", "6:26: expected a value, found '}'"),
          new Case("%y = softcap %x {cap = 3 : f32[T, 4]", "6:28: expected '}' or ',', found ':'"),
          new Case(
              "%y = gelu %x {approximate = \"tanh} : f32[T, 4]",
              "6:31: expected a value, found a text whose quotes do not close on its line"),
          new Case(
              "%y = neg %x : f32[T, 4] $",
              "6:27: expected 'loc' or a new line, found the character '$'"),
          new Case(
              "%y = neg %x : f32[T, 4] loc(\"a\\q\")",
              "6:31: '\\q' is no escape in \"a\\q\"; escapes are \\\\, \\\", \\n, \\r, \\t and \\u"
                  + " with four hex digits"),
          new Case(
              "%y = neg %x : q4[T, 4]",
              "6:17: the quantised dtype q4 needs its group size; write" + " for example q4<32>"),
          new Case("%y = neg %x : f32<4>[T, 4]", "6:17: f32 has no groups; write 'f32'"),
          new Case("%y = neg %x : f32[-4]", "6:21: the dimension -4 is negative"),
          new Case(
              "%y = neg %x : f32[9223372036854775807*2]",
              "6:21: the dimension 9223372036854775807*2 is too large"),
          new Case("%y = neg _ : f32[T, 4]", "6:8: neg: operand x is missing; neg takes x"),
          new Case(
              "return %a\n%y = neg %x : f32[T, 4]", "7:1: expected the '}' for line 4, found '%y'"),
          // One error does not hide another, nor make others up.
          new Case(
              "%y = nge %x : f32[T, 4]\n%u = add %y, %q : f32[T, 4]\n%v = add %u, %v : f32[T, 4]",
              "6:8: unknown op 'nge'; did you mean 'neg'?",
              "7:14: undefined value %q; did you mean '%a'?",
              "8:14: undefined value %v; did you mean '%a'?"),
          new Case(
              "%y = fused %x body (%p: f32[T, 4]) {\n"
                  + "%r = ngg %p : f32[T, 4]\n"
                  + "%s neg %p\n"
                  + "return %s\n"
                  + "} : f32[T, 4]\n"
                  + "%u = nge %y",
              "7:6: unknown op 'ngg'; did you mean 'neg'?",
              "8:4: expected ',' or '=', found 'neg'",
              "11:6: unknown op 'nge'; did you mean 'neg'?"),
          new Case(
              "%y = fused %x body (%p: f32[T, 4]) { return %x } : f32[T, 4]",
              "6:47: undefined value %x; did you mean '%p'?"),
          new Case(
              "%y = neg %x bdy (%p: f32[T, 4]) { return %p } : f32[T, 4]",
              "6:15: unknown attribute 'bdy' of neg; neg has no attributes"),
          new Case(
              "%k = kv_append %kv, %x, %x, %at : kv<1, 4, 4, f32>",
              "6:8: kv_append (C2): k must be F[T, H, DK] but is f32[T, 4]: its rank is 2"));

  @TestFactory
  List<DynamicTest> ops() {
    return OPS.stream()
        .map(c ->
            DynamicTest.dynamicTest(
                c.text,
                () ->
                    assertThat(errors(op(c.text)))
                        .containsExactly(
                            List.of(c.errors).stream()
                                .map(e -> "bad.fir:" + e)
                                .toArray(String[]::new))))
        .toList();
  }

  private static final List<Case> ITEMS =
      List.of(
          new Case(
              "dim T in [1, 9]",
              "3:5: dimension T is defined already, at bad.fir:2:5; remove one" + " of the two"),
          new Case(
              "dim U in [9, 1]",
              "3:11: dimension U has the bounds [9, 1]; write the smaller one first, and none below"
                  + " 0"),
          new Case("dim U [1, 9]", "3:7: expected 'in', found '['"),
          new Case(
              "dmi U in [1, 9]",
              "3:1: expected dim, weight, func, plan or pipeline, found 'dmi';"
                  + " did you mean 'dim'?"),
          new Case(
              "weight @w : f32[T] = blob(\"sha256:0\")",
              "3:13: weight @w is f32[T]; a weight is a tensor whose dimensions are numbers"),
          new Case(
              "weight @w : f32[2] = fil(\"m\", \"w\")",
              "3:22: expected 'file', 'blob' or '{', found 'fil'"),
          new Case(
              "weight w : f32[2] = blob(\"x\")", "3:8: expected a symbol such as @name, found 'w'"),
          new Case(
              "weight @w : f32[2] = blob(\"x\")\nweight @w : f32[3] = blob(\"x\")",
              "4:8: weight @w is defined already, at bad.fir:3:8; remove one of the two"),
          new Case(
              "weight @w : f32[2] = {\n  %y = iota : f32[3]\n  return %y\n}",
              "5:10: result %y of weight @w is f32[3] but f32[2] is declared"),
          new Case(
              "weight @v : f32[2] = {\n  %y = neg @w\n  return %y\n}\n"
                  + "weight @w : f32[2] = {\n  %y = neg @v\n  return %y\n}",
              " computed weights need each other in a circle: @v, @w; compute each from weights"
                  + " that are there before it"),
          new Case(
              "func g(%x: f32[T]) -> f32[T] {\n  return %x\n}",
              "3:6: expected a symbol such as" + " @name, found 'g'"),
          new Case(
              "func @g(%x: f32[T]) -> f32[T] {\n}",
              "4:1: function @g has no return; end it with 'return' and its results"),
          new Case(
              "func @g(%x: f32[T]) -> f32[T] {\n  %y = neg %x",
              "6:1: expected an op such as '%y = add %a, %b', 'return' or the '}' for line 3, found"
                  + " 'func'"),
          new Case(
              "func @g(%x: f32[T]) -> f32[T, 2] {\n  return %x\n}",
              "4:10: result %x of function @g is f32[T] but f32[T, 2] is declared"),
          new Case(
              "func @g(%x: f32[T]) -> () {\n  return %x\n}",
              "4:3: function @g declares 0 results but returns 1"),
          new Case(
              "func @g(%x: f32[T], %x: f32[T]) -> () {\n  return\n}",
              "3:21: %x is defined already, at bad.fir:3:9; give one of the two another name"),
          new Case(
              "func @f() -> () {\n  return\n}",
              "7:6: function @f is defined already, at bad.fir:3:6; remove one of the two"),
          new Case(
              "func @g(%kv: kv<1, 2, 2, f32>, %k: f32[T, 1, 2], %at: batch<T, T>) -> () {\n"
                  + "  %a = kv_append %kv, %k, %k, %at\n  %n = neg %k\n"
                  + "  %b = kv_append %kv, %k, %n, %at\n  return\n}",
              "6:3: in function @g, %kv is appended to twice: by %a and by %b; append to the later"
                  + " version"),
          new Case(
              "plan @p {\n  stag 0 on @d runs @f\n}",
              "4:3: a plan has no line that begins with 'stag'; did you mean 'stage'?"),
          new Case(
              "plan @p {\n  stage 0 on @d runs @g\n  stage 1 on @d runs @f through %y\n}",
              "4:3: stage 0 runs @g, which the module has not; did you mean 'f'?",
              "5:3: the stage ends with %y, which @f has not; did you mean '%x'?"),
          new Case(
              "plan @p {\n  device @d { memory = 10Gib }\n  device @e { memory = }\n}",
              "4:24: unknown unit 'Gib' in '10Gib'; did you mean 'GiB'?",
              "5:24: expected a value, found '}'"),
          new Case(
              "plan @p {\n}\nplan @q {\n}",
              "5:1: the plan is defined already, at bad.fir:3:1;" + " remove one of the two"),
          new Case("pipeline dce", "3:10: expected a text in quotes, found 'dce'"));

  @TestFactory
  List<DynamicTest> items() {
    return ITEMS.stream()
        .map(c ->
            DynamicTest.dynamicTest(
                c.text,
                () ->
                    assertThat(errors(item(c.text)))
                        .containsExactly(
                            List.of(c.errors).stream()
                                .map(e -> "bad.fir:" + e)
                                .toArray(String[]::new))))
        .toList();
  }

  @Test
  void versions() {
    assertThat(errors("fir 9.0\nfunc @f(%x: nonsense"))
        .containsExactly(
            "bad.fir:1:5: this is FIR version 9.0, and this fusionc reads version 1.0; use the"
                + " fusionc that wrote it, or a newer one");
    assertThat(errors("func @f() -> () { return }"))
        .containsExactly(
            "bad.fir:1:1: expected 'fir 1.0', found 'func'; FIR text begins with 'fir 1.0'");
    assertThat(errors(""))
        .containsExactly(
            "bad.fir:1:1: expected 'fir 1.0', found the end of the file; FIR text begins with 'fir"
                + " 1.0'");
    assertThat(errors("fir one")).containsExactly("bad.fir:1:5: expected a number, found 'one'");
  }

  @Test
  void aMissingBraceIsReportedWhereTheNextItemBegins() {
    assertThat(
            errors(
                """
                fir 1.0
                func @f(%x: f32[2]) -> f32[2] {
                  return %x

                func @g(%x: f32[2]) -> f32[2] {
                  %y = ngg %x : f32[2]
                  return %y
                }
                """))
        .containsExactly(
            "bad.fir:5:1: expected the '}' for line 2, found 'func'",
            "bad.fir:6:8: unknown op 'ngg'; did you mean 'neg'?");
  }

  @Test
  void atMostTwentyErrors() {
    var text = new StringBuilder("fir 1.0\nfunc @f() -> () {\n");
    for (int i = 0; i < 50; i++) {
      text.append("  %a").append(i).append(" = nonsense_op\n");
    }
    assertThat(errors(text + "  return\n}\n")).hasSize(20);
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "[", "{", "func @f(", "%x = fused body () {\n", "f32[", "<", "- "})
  void nestingEndsInADiagnostic(String bracket) {
    for (var prefix :
        List.of(
            "fir 1.0\n",
            "fir 1.0\nfunc @f(%x: f32[2]) -> f32[2] {\n",
            "fir 1.0\nfunc @f(%x: f32[2]) -> f32[2] {\n  %y = softmax %x {axis = ",
            "fir 1.0\nfunc @f(%x: f32[2]) -> f32[2] {\n  %y = softmax %x : ",
            "fir 1.0\nplan @p {\n  device @d { memory = ")) {
      assertThat(errors(prefix + bracket.repeat(10_000))).isNotEmpty();
    }
    assertThat(errors("fir 1.0\nfunc @f() -> () {\n" + "(".repeat(10_000)))
        .containsExactly(
            "bad.fir:3:64: brackets nest more than 64 deep; close those that are open");
  }
}
