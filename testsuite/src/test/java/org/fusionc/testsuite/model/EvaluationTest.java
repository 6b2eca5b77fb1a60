package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Evaluation;
import org.fusionc.runtime.model.ModelSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Perplexity against one that is worked out token by token, and what it refuses. */
class EvaluationTest {
  private static final Evaluation.Running RUNNING =
      new Evaluation.Running(Compiler.backend("cpu"), 2, new Compiler.Cut.Whole());

  private static int[] text() {
    return java.util.stream.IntStream.range(0, 37).map(i -> 3 + i * i % 60).toArray();
  }

  private static Evaluation.Report run(
      ModelSource source, Evaluation.Windows windows, String quantize) {
    return Evaluation.run(
        text(),
        windows,
        new Evaluation.Subject(source, null),
        quantize == null ? null : new Evaluation.Subject(source, quantize),
        RUNNING,
        (done, all) -> {});
  }

  /** -log of the probability that the model gives to the last token after the others. */
  private static double loss(org.fusionc.runtime.model.Engine engine, List<Integer> ids) {
    float[] logits = Models.greedy(engine, ids.subList(0, ids.size() - 1), 0).logits();
    double most = Double.NEGATIVE_INFINITY;
    for (float each : logits) {
      most = Math.max(most, each);
    }
    double sum = 0;
    for (float each : logits) {
      sum += Math.exp(each - most);
    }
    return most + Math.log(sum) - logits[ids.getLast()];
  }

  @Test
  void everyTokenIsForetoldOnceFromItsWindow() {
    try (var source = Models.open(Models.example());
        var engine = Models.engine(source, "cpu", new Compiler.Cut.Whole(), 1)) {
      int context = 12;
      int stride = 5;
      var ids = Arrays.stream(text()).boxed().toList();
      double sum = 0;
      for (int i = 1; i < ids.size(); i++) {
        // The first window that holds the token.
        int window = Math.max(0, Math.ceilDiv(i + 1 - context, stride));
        sum += loss(engine, ids.subList(window * stride, i + 1));
      }
      var report = run(source, new Evaluation.Windows(context, stride), null);
      assertThat(report.scored()).isEqualTo(ids.size() - 1);
      assertThat(report.windows()).isEqualTo(6);
      assertThat(report.other()).isNull();
      assertThat(report.model().perplexity())
          .isCloseTo(Math.exp(sum / (ids.size() - 1)), within(1e-4));
    }
  }

  @Test
  void aModelIsAtNoDistanceFromItself() {
    try (var source = Models.open(Models.example())) {
      var same = run(source, new Evaluation.Windows(16, 8), "none");
      assertThat(same.distance().largest()).isZero();
      assertThat(same.distance().agreement()).isEqualTo(1);
      assertThat(same.other()).isEqualTo(same.model());
      var q8 = run(source, new Evaluation.Windows(16, 8), "q8");
      var q4 = run(source, new Evaluation.Windows(16, 8), "q4");
      assertThat(q8.distance().mean()).isPositive().isLessThan(q4.distance().mean());
      assertThat(q8.other().weightBytes()).isLessThan(q8.model().weightBytes());
    }
  }

  @Test
  void whatCannotBeEvaluatedIsDiagnosed(@TempDir Path folder) throws IOException {
    var empty = Files.writeString(folder.resolve("empty.txt"), "");
    var binary = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xC3, 0x28});
    try (var source = Models.open(Models.example())) {
      assertThatThrownBy(() -> Evaluation.tokens(source, empty, 100))
          .hasMessageContaining("nothing to foretell");
      assertThatThrownBy(() -> Evaluation.tokens(source, binary, 100))
          .hasMessageContaining("UTF-8");
      assertThatThrownBy(() -> Evaluation.tokens(source, folder.resolve("none"), 100))
          .hasMessageContaining("no such file");
      assertThatThrownBy(() -> Evaluation.windows(source, 1, null))
          .hasMessageContaining("--context is 1");
      assertThatThrownBy(() -> Evaluation.windows(source, 1_000_000, null))
          .hasMessageContaining("the model's context");
      assertThatThrownBy(() -> Evaluation.windows(source, 8, 8))
          .hasMessageContaining("--stride is 8");
    }
  }
}
