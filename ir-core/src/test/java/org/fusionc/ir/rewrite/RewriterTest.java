package org.fusionc.ir.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Function;
import org.fusionc.ir.FunctionBuilder;
import org.fusionc.ir.Graph;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.op.Abs;
import org.fusionc.ir.op.Add;
import org.fusionc.ir.op.Exp;
import org.fusionc.ir.op.Fused;
import org.fusionc.ir.op.Neg;
import org.fusionc.ir.op.Relu;
import org.fusionc.ir.op.TopK;
import org.fusionc.ir.text.FirPrinter;
import org.junit.jupiter.api.Test;

class RewriterTest {
  private static final Type X = Type.tensor(Scalar.F32, 4);
  private static final int DEEP = 10_000;

  private final Graph graph = new Graph();
  private final FunctionBuilder b = new FunctionBuilder(graph, "f");

  private Function rewrite(Function function, Rewrite rewrite) {
    return new Rewriter(graph, List.of(new Rule("rule", rewrite)), RewriteListener.NONE)
        .rewrite(function);
  }

  private static List<String> body(Function function) {
    return FirPrinter.printFunction(function)
        .lines()
        .skip(1)
        .filter(line -> !line.equals("}"))
        .map(line -> line.strip().replaceAll(" : .*", ""))
        .toList();
  }

  private static final Rewrite DOUBLE_NEGATION =
      (op, b) ->
          switch (op) {
            case Neg(Neg(var x, _), _) -> x;
            default -> null;
          };

  @Test
  void whatDoesNotChangeIsTheVerySameFunction() {
    var function = b.build(b.neg(b.param("x", X)));
    assertThat(rewrite(function, DOUBLE_NEGATION)).isSameAs(function);
  }

  @Test
  void namesLocationsAndCommentsGoToTheReplacement() {
    var x = b.param("x", X);
    b.at(Location.named("node 7"));
    var y = b.name(b.abs(x), "y");
    b.notes().comments(y, List.of("about y"));
    var rewritten =
        rewrite(
            b.build(b.name(b.exp(y), "z")), (op, c) -> op instanceof Abs a ? c.relu(a.x()) : null);
    var relu = rewritten.body().getFirst();
    assertThat(relu).isInstanceOf(Relu.class);
    assertThat(rewritten.notes().name(relu)).contains("y");
    assertThat(rewritten.notes().location(relu)).isEqualTo(Location.named("node 7"));
    assertThat(rewritten.notes().comments(relu)).containsExactly("about y");
    assertThat(body(rewritten)).contains("%y = relu %x", "%z = exp %y");
  }

  @Test
  void newOpsStandRightBeforeWhatTheyReplace() {
    var x = b.param("x", X);
    var first = b.name(b.exp(x), "first");
    var middle = b.name(b.abs(first), "middle");
    var last = b.name(b.exp(middle), "last");
    var rewritten =
        rewrite(b.build(last), (op, c) -> op instanceof Abs a ? c.neg(c.relu(a.x())) : null);
    assertThat(rewritten.body().stream().map(Op::name).toList())
        .containsExactly("exp", "relu", "neg", "exp");
  }

  @Test
  void aLongChainCollapsesWithoutRecursion() {
    Value value = b.param("x", X);
    for (int i = 0; i < DEEP; i++) {
      value = b.neg(value);
    }
    assertThat(rewrite(b.build(value), DOUBLE_NEGATION).body()).isEmpty();
  }

  @Test
  void aRuleThatUnfoldsALongChainNeedsNoStack() {
    Value value = b.param("x", X);
    for (int i = 0; i < DEEP; i++) {
      value = b.exp(value);
    }
    // neg(exp(x)) → exp(neg(x)): the negation travels all the way up in one sweep.
    var rewritten =
        rewrite(
            b.build(b.neg(value)),
            (op, c) -> op instanceof Neg(Exp(var x, _), _) ? c.exp(c.neg(x)) : null);
    assertThat(rewritten.body().getFirst()).isInstanceOf(Neg.class);
    assertThat(rewritten.body()).hasSize(DEEP + 1);
  }

  @Test
  void whatTheRuleMakesDeadGoesAndWhatWasDeadStays() {
    var x = b.param("x", X);
    b.exp(x);
    var rewritten = rewrite(b.build(b.neg(b.neg(x))), DOUBLE_NEGATION);
    assertThat(rewritten.body().stream().map(Op::name).toList()).containsExactly("exp");
    assertThat(rewritten.results()).containsExactly(x);
  }

  @Test
  void usesCountLiveOpsAndResults() {
    var x = b.param("x", X);
    var shared = b.abs(x);
    b.exp(shared);
    var counts = new ArrayList<Integer>();
    rewrite(
        b.build(b.add(shared, shared), shared),
        (op, c) -> {
          if (op instanceof Add add) {
            counts.add(c.uses(add.x()));
          }
          return null;
        });
    assertThat(counts).containsExactly(3);
  }

  @Test
  void anOpWithSeveralResultsIsReplacedResultByResult() {
    var x = b.param("x", X);
    var top = b.topK(x, 2);
    var values = b.name(b.result(top, 0), "values");
    b.name(b.result(top, 1), "indices");
    var sum = b.add(values, values);
    var rewritten =
        rewrite(
            b.build(sum, b.result(top, 1)),
            (op, c) ->
                op instanceof TopK(var y, var k, _) && !(y instanceof Abs)
                    ? several(c, c.topK(c.abs(y), k))
                    : null);
    assertThat(body(rewritten))
        .containsExactly(
            "%0 = abs %x",
            "%values, %indices = top_k %0 {k = 2}",
            "%1 = add %values, %values",
            "return %1, %indices");
  }

  private static Value several(Rewriting c, TopK top) {
    return c.several(c.result(top, 0), c.result(top, 1));
  }

  @Test
  void alsoReplacingAValueReachesUsersThatCameBefore() {
    var x = b.param("x", X);
    var sum = b.name(b.add(x, x), "sum");
    var early = b.name(b.exp(sum), "early");
    var trigger = b.name(b.abs(sum), "trigger");
    var rewritten =
        rewrite(
            b.build(early, trigger),
            (op, c) -> {
              if (op instanceof Abs(Add add, _)) {
                var other = c.neg(c.neg(c.relu(add.x())));
                c.alsoReplace(add, other);
                return c.relu(other);
              }
              return null;
            });
    assertThat(rewritten.body()).noneMatch(Add.class::isInstance);
    assertThat(body(rewritten)).contains("%early = exp %sum", "return %early, %trigger");
  }

  @Test
  void bodiesOfOpsAreRewritten() {
    var inner = new FunctionBuilder(graph, "");
    var p = inner.param("p", X);
    var body = inner.build(inner.exp(inner.neg(inner.neg(p))));
    var rewritten = rewrite(b.build(b.fused(List.of(b.param("x", X)), body)), DOUBLE_NEGATION);
    var fused = (Fused) rewritten.body().getFirst();
    assertThat(fused.body().body()).hasSize(1);
  }

  @Test
  void aRuleThatKeepsFiringIsADiagnostic() {
    var function = b.build(b.name(b.neg(b.param("x", X)), "y"));
    assertThatThrownBy(() ->
            rewrite(
                function, (op, c) -> op instanceof Neg(var x, _) ? c.neg(c.neg(c.neg(x))) : null))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("the rule rule keeps firing in @f, last on %y");
  }

  @Test
  void aReplacementOfAnotherTypeIsADiagnostic() {
    var function = b.build(b.name(b.neg(b.param("x", X)), "y"));
    assertThatThrownBy(() ->
            rewrite(
                function, (op, c) -> op instanceof Neg(var x, _) ? c.cast(x, Scalar.F16) : null))
        .isInstanceOf(DiagnosticException.class)
        .hasMessageContaining("replaces %y, which is f32[4], by a value of type f16[4]");
  }
}
