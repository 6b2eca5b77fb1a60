package org.fusionc.runtime.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.fusionc.ir.backend.Peak;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.partitioner.cost.FunctionChain;
import org.fusionc.partitioner.cost.Step;
import org.fusionc.runtime.exec.Completion;
import org.fusionc.runtime.exec.Request;
import org.fusionc.runtime.exec.Session;
import org.fusionc.runtime.exec.TokenListener;
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
   * Of what was measured in each repetition. On a machine that others use as well, the best is what
   * comes nearest to having it alone.
   */
  public record Spread(double median, double best) {
    private static Spread of(double... rates) {
      return new Spread(Benchmark.median(rates), Arrays.stream(rates).max().orElse(0));
    }

    /** The ratios of this to another. */
    public Spread over(Spread other) {
      return new Spread(median / other.median, best / other.best);
    }
  }

  /**
   * The outcome of a test.
   *
   * @param rate tokens per second
   * @param rival of the rival in the same test; null if there is none
   * @param limit what this is held against; null if that was not measured
   */
  public record Row(String test, Spread rate, @Nullable Spread rival, @Nullable Limit limit) {}

  /**
   * How much of what the machine can do a test used, both measured in the same round: of arithmetic
   * in a prefill, of read bandwidth in a decode. Each is the median of the rounds, so that the
   * fraction need not be the quotient of the others.
   *
   * @param fraction of the round's peak that was reached
   * @param unit {@code GOP/s} of the products with weights, or {@code GB/s} of what is read
   */
  public record Limit(double reached, double peak, double fraction, String unit) {
    private static Limit of(double reached, double peak, String unit) {
      return new Limit(reached, peak, reached / peak, unit);
    }

    private static Limit median(List<Limit> rounds) {
      return new Limit(
          Benchmark.median(rounds.stream().mapToDouble(Limit::reached).toArray()),
          Benchmark.median(rounds.stream().mapToDouble(Limit::peak).toArray()),
          Benchmark.median(rounds.stream().mapToDouble(Limit::fraction).toArray()),
          rounds.getFirst().unit);
    }
  }

  /**
   * The outcome.
   *
   * @param firstTokenMillis from handing over the prompt of the prefill test to its first token
   */
  public record Report(List<Row> rows, double firstTokenMillis) {}

  private static final int MOST_SEQUENCES = 1024;

  private final Engine engine;
  private final Sizes sizes;
  private final int vocabulary;
  private final @Nullable Rival rival;
  private final Supplier<Optional<Peak>> machine;
  private final List<Sample> samples = new ArrayList<>();
  private final List<List<Double>> theirs = new ArrayList<>();
  private final List<Peak> peaks = new ArrayList<>();

  private Benchmark(
      Engine engine,
      Sizes sizes,
      int vocabulary,
      @Nullable Rival rival,
      Supplier<Optional<Peak>> machine) {
    this.engine = engine;
    this.sizes = sizes;
    this.vocabulary = vocabulary;
    this.rival = rival;
    this.machine = machine;
  }

  /** Checks the sizes against the model before anything is loaded. */
  public static void check(ModelSource source, Sizes sizes) {
    check("--prompt-tokens", sizes.promptTokens, Integer.MAX_VALUE);
    check("--generate", sizes.generate, Integer.MAX_VALUE);
    check("--repeat", sizes.repeat, Integer.MAX_VALUE);
    check("--depth", sizes.depth, Integer.MAX_VALUE);
    check("--sequences", sizes.sequences, MOST_SEQUENCES);
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
   * Runs both tests. With a rival the two take turns, and who begins changes from round to round;
   * the machine is measured in each round as well.
   *
   * @param warmup for how long runs do not count at first, one at least: a JVM has to compile the
   *     code between kernels first, with cores that the kernels want as well
   * @param vocabulary ids below this are used
   * @param rival null to measure alone
   * @param machine measures what the machine can do; empty if nobody wants to know
   */
  public static Report run(
      Engine engine,
      Sizes sizes,
      int vocabulary,
      Duration warmup,
      @Nullable Rival rival,
      Supplier<Optional<Peak>> machine) {
    var benchmark = new Benchmark(engine, sizes, vocabulary, rival, machine);
    long begin = System.nanoTime();
    do {
      var _ = benchmark.sample();
    } while (System.nanoTime() - begin < warmup.toNanos());
    for (int i = 0; i < sizes.repeat; i++) {
      benchmark.round(i % 2 == 1);
    }
    return benchmark.report();
  }

  private static void check(String option, int value, int most) {
    if (value < 1 || value > most) {
      throw Diagnostic.usage(
              "%s is %d, which is not from 1 %s"
                  .formatted(option, value, most == Integer.MAX_VALUE ? "on" : "to " + most),
              "give another number")
          .exception();
    }
  }

  private void round(boolean rivalFirst) {
    if (rivalFirst) {
      rival();
    }
    samples.add(sample());
    machine.get().ifPresent(peaks::add);
    if (!rivalFirst) {
      rival();
    }
  }

  private void rival() {
    if (rival != null) {
      theirs.add(rival.run(sizes.tests()));
    }
  }

  private Report report() {
    var rows =
        List.of(
            row(0, Sample::prefill, this::prefillLimit), row(1, Sample::decode, this::decodeLimit));
    return new Report(
        rows, median(samples.stream().mapToDouble(Sample::firstTokenMillis).toArray()));
  }

  private Row row(int test, ToDoubleFunction<Sample> rate, BiFunction<Peak, Double, Limit> limit) {
    var limits = new ArrayList<Limit>();
    for (int round = 0; round < peaks.size(); round++) {
      limits.add(limit.apply(peaks.get(round), rate.applyAsDouble(samples.get(round))));
    }
    return new Row(
        sizes.tests().get(test),
        Spread.of(samples.stream().mapToDouble(rate).toArray()),
        theirs.isEmpty()
            ? null
            : Spread.of(theirs.stream().mapToDouble(rates -> rates.get(test)).toArray()),
        limits.isEmpty() ? null : Limit.median(limits));
  }

  /** The products with weights, against the time that they would take at the peak of each dtype. */
  private Limit prefillLimit(Peak machine, double tokensPerSecond) {
    double flops = 0;
    double ideal = 0;
    for (var function : engine.functions()) {
      var chain = new FunctionChain(function);
      var work = chain.work(Step.prefill(sizes.promptTokens, sizes.promptTokens));
      for (int op = 0; op < chain.size(); op++) {
        if (!chain.weights(op).isEmpty()) {
          flops += work.flops()[op];
          ideal += work.flops()[op] / machine.operations().getOrDefault(chain.dtype(op), 1.0);
        }
      }
    }
    double seconds = sizes.promptTokens / tokensPerSecond;
    return Limit.of(flops / seconds / 1e9, flops / ideal / 1e9, "GOP/s");
  }

  /** All that a step reads and writes: weights, the cache up to where it is, activations. */
  private Limit decodeLimit(Peak machine, double tokensPerSecond) {
    double bytes = 0;
    for (var function : engine.functions()) {
      int context = sizes.depth + sizes.generate / 2;
      var work = new FunctionChain(function).work(Step.decode(sizes.sequences, context));
      bytes += Arrays.stream(work.bytes()).sum();
    }
    double seconds = sizes.sequences / tokensPerSecond;
    return Limit.of(bytes / seconds / 1e9, machine.readBandwidth() / 1e9, "GB/s");
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
    return engine.submit(request, TokenListener.prompt(id -> true));
  }

  private static double median(double[] values) {
    var sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
