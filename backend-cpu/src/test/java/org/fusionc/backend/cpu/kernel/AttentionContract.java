package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.fusionc.backend.cpu.jit.GuardedArena;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.backend.Batch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What every attention must do, against its definition in f64. Operands end at pages that nobody
 * may touch.
 */
public abstract class AttentionContract {
  private final ComputePool several = new ComputePool(3);
  private final ComputePool single = new ComputePool(1);
  private static final double TOLERANCE = 4e-6;

  /** Kernels that belong together. */
  public interface Kernels {
    KvPages cache(int pages, int pageTokens, KvPages.Kind kind);

    CacheWriter writer(KvPages.Kind kind);

    CacheReader reader(KvPages.Kind kind, Attention.Shape shape, boolean sloped, boolean sunk);
  }

  /** The kernels to test that run on this machine. */
  protected abstract List<? extends Kernels> kernels();

  @AfterEach
  void close() {
    several.close();
    single.close();
  }

  /** Some tokens of some sequences. */
  private record Tokens(int[] sequence, int[] position) {
    int count() {
      return sequence.length;
    }

    Batch batch(List<int[]> table) {
      return new Batch(sequence, position, new int[0], table);
    }

    Tokens only(int token) {
      return new Tokens(new int[] {sequence[token]}, new int[] {position[token]});
    }

    /** Each range is a sequence, a first position and the one after the last. */
    static Tokens of(int[]... ranges) {
      var sequence = new ArrayList<Integer>();
      var position = new ArrayList<Integer>();
      for (int[] range : ranges) {
        for (int p = range[1]; p < range[2]; p++) {
          sequence.add(range[0]);
          position.add(p);
        }
      }
      return new Tokens(
          sequence.stream().mapToInt(i -> i).toArray(),
          position.stream().mapToInt(i -> i).toArray());
    }
  }

  /** What a case is made of. */
  private record Case(
      int pageTokens,
      int heads,
      int group,
      int keyDim,
      int valueDim,
      FloatFormat format,
      Attention.Shape shape,
      float @Nullable [] slopes,
      float @Nullable [] sinks) {
    KvPages.Kind kind() {
      return new KvPages.Kind(heads, keyDim, valueDim, format);
    }
  }

  /** Keys and values of some sequences in a cache, pages in random order. */
  private final class Sequences implements AutoCloseable {
    final Case made;
    final List<float[]> keys = new ArrayList<>();
    final List<float[]> values = new ArrayList<>();
    final List<int[]> table = new ArrayList<>();
    final KvPages cache;

    private final Kernels kernels;

    Sequences(Case made, Kernels kernels, int... lengths) {
      this.made = made;
      this.kernels = kernels;
      var random = new Random(11);
      var numbers = new ArrayList<Integer>();
      for (int length : lengths) {
        keys.add(gaussian(random, length * made.heads * made.keyDim));
        values.add(gaussian(random, length * made.heads * made.valueDim));
        for (int i = 0; i * made.pageTokens < length; i++) {
          numbers.add(numbers.size());
        }
      }
      Collections.shuffle(numbers, random);
      var next = numbers.iterator();
      for (int length : lengths) {
        table.add(
            IntStream.range(0, Math.ceilDiv(length, made.pageTokens))
                .map(_ -> next.next())
                .toArray());
      }
      cache = kernels.cache(numbers.size(), made.pageTokens, made.kind());
      for (int s = 0; s < lengths.length; s++) {
        var tokens = Tokens.of(new int[] {s, 0, lengths[s]});
        append(tokens, keys.get(s), values.get(s));
        round(keys.get(s));
        round(values.get(s));
      }
    }

    void append(Tokens tokens, float[] k, float[] v) {
      try (var arena = new GuardedArena()) {
        var writer = kernels.writer(made.kind());
        writer.run(several, cache, arena.floats(k), arena.floats(v), tokens.batch(table));
      }
    }

    private void round(float[] values) {
      for (int i = 0; made.format == FloatFormat.F16 && i < values.length; i++) {
        values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
      }
    }

    float[] attend(ComputePool pool, float[] q, Tokens tokens) {
      try (var arena = new GuardedArena()) {
        var out = arena.floats(new float[tokens.count() * made.shape.heads() * made.valueDim]);
        var operands =
            new Attention.Operands(
                arena.floats(q),
                made.slopes == null ? null : arena.floats(made.slopes),
                made.sinks == null ? null : arena.floats(made.sinks),
                out);
        kernels
            .reader(made.kind(), made.shape, made.slopes != null, made.sinks != null)
            .run(pool, cache, operands, tokens.batch(table));
        return out.toArray(ValueLayout.JAVA_FLOAT);
      }
    }

    /** The definition. */
    double[] expected(float[] q, Tokens tokens, int token, int head) {
      var shape = made.shape;
      int s = tokens.sequence[token];
      int p = tokens.position[token];
      int kv = head / made.group;
      int first = shape.window() == 0 ? 0 : Math.max(0, p - shape.window() + 1);
      double[] scores = new double[p + 1];
      double max = made.sinks == null ? Double.NEGATIVE_INFINITY : made.sinks[head];
      for (int i = first; i <= p; i++) {
        double score = 0;
        for (int d = 0; d < made.keyDim; d++) {
          score +=
              (double) q[(token * shape.heads() + head) * made.keyDim + d]
                  * keys.get(s)[(i * made.heads + kv) * made.keyDim + d];
        }
        score *= shape.scale();
        if (shape.softcap() > 0) {
          score = shape.softcap() * Math.tanh(score / shape.softcap());
        }
        scores[i] = score + (made.slopes == null ? 0 : made.slopes[head] * (i - p));
        max = Math.max(max, scores[i]);
      }
      double total = made.sinks == null ? 0 : Math.exp(made.sinks[head] - max);
      double[] result = new double[made.valueDim];
      for (int i = first; i <= p; i++) {
        double weight = Math.exp(scores[i] - max);
        total += weight;
        for (int d = 0; d < made.valueDim; d++) {
          result[d] += weight * values.get(s)[(i * made.heads + kv) * made.valueDim + d];
        }
      }
      for (int d = 0; d < made.valueDim; d++) {
        result[d] /= total;
      }
      return result;
    }

    void check(float[] q, Tokens tokens, float[] actual) {
      for (int t = 0; t < tokens.count(); t++) {
        for (int h = 0; h < made.shape.heads(); h++) {
          double[] expected = expected(q, tokens, t, h);
          for (int d = 0; d < made.valueDim; d++) {
            int at = (t * made.shape.heads() + h) * made.valueDim + d;
            assertThat((double) actual[at])
                .as("%s %s token %d head %d element %d", made, kernels, t, h, d)
                .isCloseTo(expected[d], within(TOLERANCE));
          }
        }
      }
    }

    @Override
    public void close() {
      cache.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    // page, kv heads, group, key, value, window, softcap, extras, format
    "16, 2, 1, 64, 64, 0, 0, false, F32",
    "32, 2, 4, 64, 64, 0, 0, false, F16",
    "16, 2, 4, 8, 8, 0, 0, false, F32",
    "16, 1, 3, 17, 31, 0, 0, true, F32",
    "48, 2, 2, 64, 32, 5, 0, false, F32",
    "16, 2, 2, 33, 80, 300, 2.5, true, F32",
    "32, 1, 8, 64, 64, 0, 0, true, F16",
    "16, 1, 1, 7, 5, 17, 1, true, F16",
    "5, 2, 2, 16, 16, 0, 0, false, F32",
    "7, 1, 2, 9, 33, 23, 0, true, F16",
    "1, 1, 1, 3, 1, 0, 0, false, F32",
    "16, 1, 13, 5, 3, 0, 0, false, F32",
    "16, 1, 50, 4, 130, 0, 3, false, F32",
  })
  void agreesWithTheDefinition(
      int pageTokens,
      int heads,
      int group,
      int keyDim,
      int valueDim,
      int window,
      float softcap,
      boolean extras,
      FloatFormat format) {
    var random = new Random(keyDim);
    int all = heads * group;
    var shape = new Attention.Shape(all, 0.7f / (float) Math.sqrt(keyDim), window, softcap);
    var made =
        new Case(
            pageTokens,
            heads,
            group,
            keyDim,
            valueDim,
            format,
            shape,
            extras ? scaled(gaussian(random, all), 0.1f) : null,
            extras ? gaussian(random, all) : null);
    // A prefill, single steps, and a chunk in the middle, all in one batch.
    var tokens =
        Tokens.of(
            new int[] {0, 0, 1},
            new int[] {1, 14, 15},
            new int[] {2, 0, 37},
            new int[] {3, 16, 17},
            new int[] {4, 530, 531},
            new int[] {4, 240, 270});
    float[] q = gaussian(random, tokens.count() * all * keyDim);
    for (var kernels : kernels()) {
      try (var sequences = new Sequences(made, kernels, 1, 15, 37, 17, 531)) {
        float[] actual = sequences.attend(several, q, tokens);
        sequences.check(q, tokens, actual);
        for (int t = 0; t < tokens.count(); t += 7) {
          float[] own = Arrays.copyOfRange(q, t * all * keyDim, (t + 1) * all * keyDim);
          float[] batched =
              Arrays.copyOfRange(actual, t * all * valueDim, (t + 1) * all * valueDim);
          for (var pool : List.of(single, several)) {
            assertThat(sequences.attend(pool, own, tokens.only(t)))
                .as("%s token %d alone", kernels, t)
                .containsExactly(batched);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"16, F32, 0", "64, F16, 0", "16, F32, 1000"})
  void aLongContextSplitOverThreadsHasTheSameBits(int pageTokens, FloatFormat format, int window) {
    int length = 4097;
    var shape = new Attention.Shape(4, 0.3f, window, 0);
    var made = new Case(pageTokens, 2, 2, 24, 40, format, shape, null, null);
    float[] q = gaussian(new Random(3), 4 * 24);
    var token = Tokens.of(new int[] {0, length - 1, length});
    for (var kernels : kernels()) {
      try (var sequences = new Sequences(made, kernels, length)) {
        float[] one = sequences.attend(single, q, token);
        assertThat(sequences.attend(several, q, token)).as("%s", kernels).containsExactly(one);
        sequences.check(q, token, one);
      }
    }
  }

  @Test
  void whatIsNotSeenMayBeAnything() {
    var shape = new Attention.Shape(1, 1, 0, 0);
    var made = new Case(16, 1, 1, 4, 4, FloatFormat.F32, shape, null, null);
    float[] q = gaussian(new Random(3), 4);
    for (var kernels : kernels()) {
      try (var sequences = new Sequences(made, kernels, 20)) {
        var token = Tokens.of(new int[] {0, 17, 18});
        float[] before = sequences.attend(single, q, token);
        float[] bad = new float[4];
        Arrays.fill(bad, Float.NaN);
        sequences.append(Tokens.of(new int[] {0, 18, 19}), bad, bad);
        assertThat(sequences.attend(single, q, token)).containsExactly(before);
      }
    }
  }

  @Test
  void refusesWhatIsNotThere() {
    var shape = new Attention.Shape(1, 1, 0, 0);
    var token = Tokens.of(new int[] {0, 0, 1});
    var kind = new KvPages.Kind(1, 4, 4, FloatFormat.F32);
    for (var kernels : kernels()) {
      try (var arena = new GuardedArena();
          var cache = kernels.cache(2, 16, kind)) {
        var append = kernels.writer(kind);
        var attention = kernels.reader(kind, shape, false, false);
        var k = arena.floats(1, 2, 3, 4);
        var there = token.batch(List.of(new int[] {0}));
        var beyond = token.batch(List.of(new int[] {2}));
        assertThatThrownBy(() -> append.run(several, cache, k, k, beyond))
            .hasMessage("page 2 of a KV cache of 2 pages");
        assertThat(cache.bytes()).isZero();
        var operands = new Attention.Operands(k, null, null, k);
        assertThatThrownBy(() -> attention.run(several, cache, operands, there))
            .hasMessage("attention to page 0, which was never written");
        var none = token.batch(List.of(new int[] {}));
        assertThatThrownBy(() -> attention.run(several, cache, operands, none))
            .hasMessage("position 0 of sequence 0 has no page");
        var small = new Attention.Operands(arena.floats(1, 2, 3), null, null, k);
        assertThatThrownBy(() -> attention.run(several, cache, small, there))
            .hasMessage("q needs 16 bytes, but its segment has 12");
        append.run(several, cache, k, k, there);
        assertThat(cache.bytes()).isPositive();
      }
    }
  }

  private static float[] scaled(float[] values, float by) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= by;
    }
    return values;
  }

  private static float[] gaussian(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
