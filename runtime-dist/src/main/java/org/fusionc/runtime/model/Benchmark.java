package org.fusionc.runtime.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.sampling.SamplingOptions;

/** Measures prefill and decode of one sequence, as llama.cpp's bench does: pp and tg. */
public final class Benchmark {
  /** The median of the repetitions, after one that does not count. */
  public record Row(String test, double tokensPerSecond) {}

  private Benchmark() {}

  /** Checks the sizes against the model before anything is loaded. */
  public static void check(ModelSource source, int promptTokens, int generate, int repeat) {
    if (promptTokens < 1 || generate < 1 || repeat < 1) {
      throw Diagnostic.usage(
              "--prompt-tokens, --generate and --repeat must be at least 1", "give larger numbers")
          .exception();
    }
    if (Math.max(promptTokens, generate + 1) > source.context()) {
      throw Diagnostic.invalid(
              Location.named(source.name()),
              "the context has %d positions, fewer than the benchmark needs"
                  .formatted(source.context()),
              "give smaller --prompt-tokens and --generate")
          .exception();
    }
  }

  /**
   * Runs both tests.
   *
   * @param promptTokens of the prefill test
   * @param generate tokens of the decode test
   * @param vocabulary ids below this are used
   */
  public static List<Row> run(
      Engine engine, int promptTokens, int generate, int repeat, int vocabulary) {
    var prefill = new double[repeat];
    var decode = new double[repeat];
    for (int i = -1; i < repeat; i++) {
      var prompt = request(engine, promptTokens, 0, vocabulary);
      // One token more than counts: the first one is the prompt's.
      var tokens = request(engine, 1, generate + 1, vocabulary);
      if (i >= 0) {
        prefill[i] = promptTokens * 1e9 / prompt.firstTokenNanos();
        decode[i] = generate * 1e9 / Math.max(1, tokens.decodeNanos());
      }
    }
    return List.of(
        new Row("pp" + promptTokens, median(prefill)), new Row("tg" + generate, median(decode)));
  }

  private static Completion request(Engine engine, int prompt, int maxTokens, int vocabulary) {
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < prompt; i++) {
      ids.add((int) ((i * 7919L + 13) % vocabulary));
    }
    return engine
        .submit(new Request(ids, SamplingOptions.greedy(), maxTokens, Set.of()), id -> true)
        .await();
  }

  private static double median(double[] values) {
    var sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
