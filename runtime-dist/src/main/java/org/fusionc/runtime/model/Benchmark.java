package org.fusionc.runtime.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.Session;
import org.fusionc.runtime.sampling.SamplingOptions;
import org.jspecify.annotations.Nullable;

/** Measures prefill and decode, as llama.cpp's bench does: pp and tg. */
public final class Benchmark {
  /**
   * What to measure.
   *
   * @param promptTokens of the prefill test
   * @param generate tokens of the decode test, for each sequence
   * @param depth tokens that each sequence of the decode test begins with; at least 1
   * @param sequences that the decode test runs at once
   * @param repeat how often; the median counts
   */
  public record Sizes(int promptTokens, int generate, int depth, int sequences, int repeat) {
    /** Positions of a sequence that the tests need. */
    public int positions() {
      return Math.max(promptTokens, depth + generate);
    }

    /** The names of the tests, prefill and decode. */
    public List<String> tests() {
      return List.of(
          "pp" + promptTokens,
          "tg"
              + generate
              + (depth > 1 ? "@d" + depth : "")
              + (sequences > 1 ? "x" + sequences : ""));
    }
  }

  /** Prefill and decode in tokens per second, and the time to the prompt's first token. */
  private record Sample(double prefill, double decode, double firstTokenMillis) {}

  /**
   * The median of the repetitions.
   *
   * @param rival tokens per second of the rival in the same test; null if there is none
   */
  public record Row(String test, double tokensPerSecond, @Nullable Double rival) {
    /** How many times faster than the rival this is; null if there is none. */
    public @Nullable Double ratio() {
      return rival == null ? null : tokensPerSecond / rival;
    }
  }

  /**
   * The outcome.
   *
   * @param firstTokenMillis from handing over the prompt of the prefill test to its first token
   */
  public record Report(List<Row> rows, double firstTokenMillis) {}

  private final Engine engine;
  private final Sizes sizes;
  private final int vocabulary;

  private Benchmark(Engine engine, Sizes sizes, int vocabulary) {
    this.engine = engine;
    this.sizes = sizes;
    this.vocabulary = vocabulary;
  }

  /** Checks the sizes against the model before anything is loaded. */
  public static void check(ModelSource source, Sizes sizes) {
    if (sizes.promptTokens < 1 || sizes.generate < 1 || sizes.repeat < 1) {
      throw Diagnostic.usage(
              "--prompt-tokens, --generate and --repeat must be at least 1", "give larger numbers")
          .exception();
    }
    if (sizes.depth < 1 || sizes.sequences < 1 || sizes.sequences > 1024) {
      throw Diagnostic.usage(
              "--depth must be at least 1, and --sequences from 1 to 1024", "give other numbers")
          .exception();
    }
    if (sizes.positions() > source.context()) {
      throw Diagnostic.invalid(
              Location.named(source.name()),
              "the context has %d positions, but the benchmark needs %d"
                  .formatted(source.context(), sizes.positions()),
              "give smaller --prompt-tokens, --depth and --generate")
          .exception();
    }
  }

  /**
   * Runs both tests, after one run that does not count. With a rival the two take turns, and who
   * begins changes from round to round.
   *
   * @param vocabulary ids below this are used
   * @param rival null to measure alone
   */
  public static Report run(Engine engine, Sizes sizes, int vocabulary, @Nullable Rival rival) {
    var benchmark = new Benchmark(engine, sizes, vocabulary);
    var samples = new ArrayList<Sample>();
    var theirs = new ArrayList<List<Double>>();
    var _ = benchmark.sample();
    for (int i = 0; i < sizes.repeat; i++) {
      if (rival != null && i % 2 == 1) {
        theirs.add(rival.run(sizes.tests()));
      }
      samples.add(benchmark.sample());
      if (rival != null && i % 2 == 0) {
        theirs.add(rival.run(sizes.tests()));
      }
    }
    var rows = new ArrayList<Row>();
    for (int test = 0; test < 2; test++) {
      boolean isPrefill = test == 0;
      int index = test;
      rows.add(
          new Row(
              sizes.tests().get(test),
              median(samples.stream().mapToDouble(s -> isPrefill ? s.prefill : s.decode).toArray()),
              theirs.isEmpty()
                  ? null
                  : median(theirs.stream().mapToDouble(rates -> rates.get(index)).toArray())));
    }
    return new Report(
        rows, median(samples.stream().mapToDouble(Sample::firstTokenMillis).toArray()));
  }

  private Sample sample() {
    var prompt = begin(sizes.promptTokens, 0, 0).await();
    var sessions = new ArrayList<Session>();
    for (int i = 0; i < sizes.sequences; i++) {
      // One token more than counts: the first one is the prompt's.
      sessions.add(begin(sizes.depth, sizes.generate + 1, i));
    }
    long decode =
        sessions.stream().map(Session::await).mapToLong(Completion::decodeNanos).max().orElse(0);
    return new Sample(
        sizes.promptTokens * 1e9 / Math.max(1, prompt.firstTokenNanos()),
        (double) sizes.sequences * sizes.generate * 1e9 / Math.max(1, decode),
        prompt.firstTokenNanos() / 1e6);
  }

  private Session begin(int prompt, int maxTokens, int seed) {
    var ids = new ArrayList<Integer>();
    for (int i = 0; i < prompt; i++) {
      ids.add((int) ((i * 7919L + 13 + seed * 31L) % vocabulary));
    }
    var request = new Request(ids, SamplingOptions.greedy(), maxTokens, Set.of());
    return engine.submit(request, id -> true);
  }

  private static double median(double[] values) {
    var sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
