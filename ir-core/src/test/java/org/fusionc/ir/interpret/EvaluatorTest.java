package org.fusionc.ir.interpret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.fusionc.ir.OpSchema;
import org.fusionc.ir.op.OpTable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every op on small values whose results are worked out by hand, from the formula in the table. */
class EvaluatorTest {
  private static Stream<HandCase> cases() {
    return Stream.concat(TensorCases.ALL.stream(), LlmCases.ALL.stream());
  }

  @TestFactory
  Stream<DynamicTest> anOpGivesWhatItsFormulaSays() {
    return cases()
        .map(c ->
            DynamicTest.dynamicTest(
                c.name(),
                () -> {
                  var h = new Hand();
                  var result = (Array) h.run(h.b.build(c.subject().build(h))).getFirst();
                  assertThat(result.size()).isEqualTo(c.expected().length);
                  for (int i = 0; i < c.expected().length; i++) {
                    if (Double.isFinite(c.expected()[i])) {
                      double tolerance =
                          result.isReal() ? 1e-6 * Math.max(1, Math.abs(c.expected()[i])) : 0;
                      assertThat(result.real(i))
                          .as("element %d", i)
                          .isCloseTo(c.expected()[i], within(tolerance));
                    } else {
                      assertThat((Double) result.real(i))
                          .as("element %d", i)
                          .isEqualTo((Double) c.expected()[i]);
                    }
                  }
                }));
  }

  @Test
  void everyOpHasACaseWorkedOutByHand() {
    Set<OpSchema> seen = new HashSet<>();
    for (var c : cases().toList()) {
      var h = new Hand();
      h.b.build(c.subject().build(h)).body().forEach(op -> seen.add(op.schema()));
    }
    assertThat(seen).containsAll(OpTable.ALL);
  }
}
