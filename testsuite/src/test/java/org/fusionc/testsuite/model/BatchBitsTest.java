package org.fusionc.testsuite.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.backend.Batch;
import org.fusionc.ir.backend.Executable;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.Generation;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A row's bits do not depend on the batch that it is computed in. Recovery rests on this: a cache
 * that is rebuilt from a few large frames must be the one that was built token by token.
 */
class BatchBitsTest {
  private static final int TOKENS = 45;

  static Stream<Path> models() {
    var shared = Repository.root().resolveSibling("shared").resolve("models/random");
    return Stream.concat(
        Stream.of(Models.example()),
        Stream.of("qwen3", "gemma2", "mixtral", "gpt2", "falcon")
            .map(shared::resolve)
            .filter(path -> path.toFile().isDirectory()));
  }

  @ParameterizedTest
  @MethodSource("models")
  void logitsAreTheSameHoweverThePromptIsCut(Path model) {
    try (var source = Models.open(model)) {
      var backend = Compiler.backend("cpu");
      var compiled = Models.compile(source, "cpu", Compiler.Cut.stages(1));
      var options = new Backend.Options(2, 8, 16);
      var random = new Random(7);
      int[] ids =
          IntStream.generate(() -> random.nextInt(Generation.vocabulary(source)))
              .limit(TOKENS)
              .toArray();
      try (var executable =
          backend.compile(compiled.module(), "decode", source.weights(), options)) {
        var whole = lastLogits(executable, ids, TOKENS);
        for (int chunk : new int[] {1, 2, 3, 7, 16, 31, 44}) {
          assertThat(lastLogits(executable, ids, chunk))
              .as("in chunks of %d", chunk)
              .containsExactly(whole);
        }
      }
    }
  }

  private static float[] lastLogits(Executable executable, int[] ids, int chunk) {
    int[] pages = IntStream.range(0, 8).toArray();
    var logits = new ArrayList<float[]>();
    for (int at = 0; at < ids.length; at += chunk) {
      int count = Math.min(chunk, ids.length - at);
      var part = Tensor.of(Arrays.copyOfRange(ids, at, at + count), count);
      var results = executable.run(Batch.single(at, count, pages), List.of(part));
      logits.add(results.getFirst().floats());
    }
    return logits.getLast();
  }
}
