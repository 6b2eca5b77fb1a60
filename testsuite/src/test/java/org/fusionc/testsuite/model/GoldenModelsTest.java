package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.fusionc.runtime.model.Compiler;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Greedy ids and last logits equal those of the reference implementation. */
class GoldenModelsTest {
  @TestFactory
  Stream<DynamicTest> cpu() {
    return Models.withGolden().stream()
        .map(model -> test(model, "cpu", new Compiler.Cut.Whole(), 8));
  }

  @TestFactory
  Stream<DynamicTest> cpuInThreeStages() {
    return Models.withGolden().stream().map(model -> test(model, "cpu", Compiler.Cut.stages(3), 3));
  }

  @TestFactory
  Stream<DynamicTest> interpreter() {
    return Models.withGolden().stream()
        .map(model -> test(model, "interp", new Compiler.Cut.Whole(), 3));
  }

  private static DynamicTest test(Path model, String backend, Compiler.Cut cut, int cases) {
    return DynamicTest.dynamicTest(
        model.getFileName() + " on " + backend,
        () -> {
          var golden = Models.golden(model);
          assertThat(golden).isNotEmpty();
          try (var source = Models.open(model);
              var engine = Models.engine(source, backend, cut, 1)) {
            for (var expected : golden.subList(0, Math.min(cases, golden.size()))) {
              check(expected, Models.greedy(engine, expected.prompt(), expected.greedy().size()));
            }
          }
        });
  }

  private static void check(
      Models.Golden expected, org.fusionc.runtime.exec.Completion completion) {
    assertThat(completion.ids()).isEqualTo(expected.greedy());
    if (expected.logits().length > 0) {
      double tolerance = 2e-4 * deviation(expected.logits()) + 1e-4;
      assertThat(completion.logits()).hasSize(expected.logits().length);
      for (int i = 0; i < expected.logits().length; i++) {
        assertThat((double) completion.logits()[i])
            .as("logit %d", i)
            .isBetween(expected.logits()[i] - tolerance, expected.logits()[i] + tolerance);
      }
    }
  }

  private static double deviation(double[] values) {
    double mean = Arrays.stream(values).average().orElse(0);
    return Math.sqrt(Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElse(0));
  }

  @TestFactory
  List<DynamicTest> exampleRunsTheSameEverywhere() {
    var prompt = List.of(835, 26);
    return Stream.of("cpu 3", "interp 1", "interp 3")
        .map(how ->
            DynamicTest.dynamicTest(
                how,
                () -> {
                  var parts = how.split(" ");
                  var cut = Compiler.Cut.stages(Integer.parseInt(parts[1]));
                  try (var source = Models.open(Models.example());
                      var whole = Models.engine(source, "cpu", new Compiler.Cut.Whole(), 1);
                      var other = Models.engine(source, parts[0], cut, 1)) {
                    assertThat(Models.greedy(other, prompt, 40).ids())
                        .isEqualTo(Models.greedy(whole, prompt, 40).ids())
                        .hasSize(40);
                  }
                }))
        .toList();
  }
}
