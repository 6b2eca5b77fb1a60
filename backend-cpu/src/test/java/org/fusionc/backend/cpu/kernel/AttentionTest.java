package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttentionTest {

  private static final ComputePool POOL = new ComputePool(3);
  private static final ComputePool SINGLE = new ComputePool(1);

  @AfterAll
  static void close() {
    POOL.close();
    SINGLE.close();
  }

  /** Some sequences with their keys and values, and pages in random order. */
  private static final class Sequences implements AutoCloseable {
    final Buffers buffers;
    final int[] lengths;
    final int heads;
    final int keyDim;
    final int valueDim;
    final List<float[]> keys = new ArrayList<>();
    final List<float[]> values = new ArrayList<>();
    final List<int[]> table = new ArrayList<>();
    final KvPages cache;

    Sequences(
        Buffers buffers,
        int[] lengths,
        int pageTokens,
        int heads,
        int keyDim,
        int valueDim,
        FloatFormat format) {
      this.buffers = buffers;
      this.lengths = lengths;
      this.heads = heads;
      this.keyDim = keyDim;
      this.valueDim = valueDim;
      var numbers = new ArrayList<Integer>();
      for (int length : lengths) {
        keys.add(rounded(buffers.gaussian(length * heads * keyDim, 1), format));
        values.add(rounded(buffers.gaussian(length * heads * valueDim, 1), format));
        for (int i = 0; i * pageTokens < length; i++) {
          numbers.add(numbers.size());
        }
      }
      cache = new KvPages(numbers.size(), pageTokens, heads, keyDim, valueDim, format);
      Collections.shuffle(numbers, buffers.random());
      var next = numbers.iterator();
      for (int length : lengths) {
        int[] pages = new int[(length + pageTokens - 1) / pageTokens];
        for (int i = 0; i < pages.length; i++) {
          pages[i] = next.next();
        }
        table.add(pages);
      }
      for (int s = 0; s < lengths.length; s++) {
        int[] sequence = new int[lengths[s]];
        int[] position = new int[lengths[s]];
        for (int t = 0; t < lengths[s]; t++) {
          sequence[t] = s;
          position[t] = t;
        }
        MemorySegment k = buffers.of(keys.get(s));
        MemorySegment v = buffers.of(values.get(s));
        cache.append(POOL, k, v, sequence, position, table);
      }
    }

    private static float[] rounded(float[] values, FloatFormat format) {
      for (int i = 0; format == FloatFormat.F16 && i < values.length; i++) {
        values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
      }
      return values;
    }

    /** The definition, in f64. */
    double[] expected(
        Attention.Shape shape, float[] slopes, float[] sinks, int s, int p, int h, float[] query) {
      int kvHead = h / (shape.heads() / heads);
      int first = shape.window() == 0 ? 0 : Math.max(0, p - shape.window() + 1);
      double[] scores = new double[p + 1];
      double max = sinks == null ? Double.NEGATIVE_INFINITY : sinks[h];
      for (int i = first; i <= p; i++) {
        double score = 0;
        for (int d = 0; d < keyDim; d++) {
          score += (double) query[d] * keys.get(s)[(i * heads + kvHead) * keyDim + d];
        }
        score *= shape.scale();
        if (shape.softcap() > 0) {
          score = shape.softcap() * Math.tanh(score / shape.softcap());
        }
        scores[i] = score + (slopes == null ? 0 : slopes[h] * (i - p));
        max = Math.max(max, scores[i]);
      }
      double total = sinks == null ? 0 : Math.exp(sinks[h] - max);
      double[] result = new double[valueDim];
      for (int i = first; i <= p; i++) {
        double weight = Math.exp(scores[i] - max);
        total += weight;
        for (int d = 0; d < valueDim; d++) {
          result[d] += weight * values.get(s)[(i * heads + kvHead) * valueDim + d];
        }
      }
      for (int d = 0; d < valueDim; d++) {
        result[d] /= total;
      }
      return result;
    }

    @Override
    public void close() {
      cache.close();
      buffers.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    // page, kv heads, group, key, value, window, softcap, extras, format
    "16, 2, 1, 64, 64, 0, 0, false, F32",
    "16, 2, 4, 8, 8, 0, 0, false, F32",
    "16, 1, 3, 17, 31, 0, 0, true, F32",
    "16, 2, 2, 64, 32, 5, 0, false, F32",
    "16, 2, 2, 33, 80, 300, 2.5, true, F32",
    "32, 1, 8, 64, 64, 0, 0, true, F16",
    "16, 1, 1, 7, 5, 17, 1, true, F16",
    "5, 2, 2, 16, 16, 0, 0, false, F32",
    "7, 1, 2, 9, 33, 23, 0, true, F16",
    "1, 1, 1, 3, 1, 0, 0, false, F32",
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
    int[] lengths = {1, 15, 37, 17, 531};
    var buffers = new Buffers(keyDim);
    try (var all = new Sequences(buffers, lengths, pageTokens, heads, keyDim, valueDim, format)) {
      var shape =
          new Attention.Shape(heads * group, 0.7f / (float) Math.sqrt(keyDim), window, softcap);
      float[] slopes = extras ? buffers.gaussian(shape.heads(), 0.1) : null;
      float[] sinks = extras ? buffers.gaussian(shape.heads(), 1) : null;
      // A prefill, single steps, and a chunk in the middle, all in one batch.
      int[][] ranges = {
        {0, 0, 1}, {1, 14, 15}, {2, 0, 37}, {3, 16, 17}, {4, 530, 531}, {4, 240, 290}
      };
      var sequence = new ArrayList<Integer>();
      var position = new ArrayList<Integer>();
      for (int[] range : ranges) {
        for (int p = range[1]; p < range[2]; p++) {
          sequence.add(range[0]);
          position.add(p);
        }
      }
      int[] sequences = sequence.stream().mapToInt(i -> i).toArray();
      int[] positions = position.stream().mapToInt(i -> i).toArray();
      int tokens = sequences.length;
      MemorySegment q = buffers.random(tokens * shape.heads() * keyDim);
      MemorySegment out = buffers.empty((long) tokens * shape.heads() * valueDim);
      MemorySegment slope = slopes == null ? null : buffers.of(slopes);
      MemorySegment sink = sinks == null ? null : buffers.of(sinks);
      Attention.run(POOL, all.cache, shape, q, slope, sink, out, sequences, positions, all.table);
      buffers.checkGuards();
      float[] qs = Buffers.floats(q);
      float[] actual = Buffers.floats(out);
      for (int t = 0; t < tokens; t++) {
        for (int h = 0; h < shape.heads(); h++) {
          float[] query = new float[keyDim];
          System.arraycopy(qs, (t * shape.heads() + h) * keyDim, query, 0, keyDim);
          double[] expected =
              all.expected(shape, slopes, sinks, sequences[t], positions[t], h, query);
          for (int d = 0; d < valueDim; d++) {
            assertThat((double) actual[(t * shape.heads() + h) * valueDim + d])
                .as("token %d at %d, head %d, element %d", t, positions[t], h, d)
                .isCloseTo(expected[d], within(4e-6));
          }
        }
        // The same token alone, on one thread and on several, has the same bits.
        if (t % 7 == 0) {
          long width = 4L * shape.heads();
          MemorySegment row = q.asSlice(t * width * keyDim, width * keyDim);
          for (ComputePool pool : List.of(SINGLE, POOL)) {
            MemorySegment alone = buffers.empty((long) shape.heads() * valueDim);
            Attention.run(
                pool,
                all.cache,
                shape,
                row,
                slope,
                sink,
                alone,
                new int[] {sequences[t]},
                new int[] {positions[t]},
                all.table);
            assertThat(Buffers.floats(alone))
                .as("token %d alone", t)
                .containsExactly(
                    Buffers.floats(out.asSlice(t * width * valueDim, width * valueDim)));
          }
        }
      }
    }
  }

  @Test
  void longContextSplitOverThreadsHasTheSameBits() {
    var buffers = new Buffers(4);
    try (var all = new Sequences(buffers, new int[] {4097}, 16, 1, 16, 16, FloatFormat.F32)) {
      var shape = new Attention.Shape(2, 0.3f, 0, 0);
      MemorySegment q = buffers.random(32);
      MemorySegment one = buffers.empty(32);
      MemorySegment many = buffers.empty(32);
      int[] sequence = {0};
      int[] position = {4096};
      Attention.run(SINGLE, all.cache, shape, q, null, null, one, sequence, position, all.table);
      Attention.run(POOL, all.cache, shape, q, null, null, many, sequence, position, all.table);
      assertThat(Buffers.floats(many)).containsExactly(Buffers.floats(one));
      float[] query = new float[16];
      System.arraycopy(Buffers.floats(q), 16, query, 0, 16);
      double[] expected = all.expected(shape, null, null, 0, 4096, 1, query);
      for (int d = 0; d < 16; d++) {
        assertThat((double) Buffers.floats(one)[16 + d]).isCloseTo(expected[d], within(4e-6));
      }
    }
  }

  @Test
  void refusesPagesThatAreNotThere() {
    try (var buffers = new Buffers(1);
        var cache = new KvPages(2, 16, 1, 4, 4, FloatFormat.F32)) {
      MemorySegment k = buffers.random(4);
      int[] zero = {0};
      assertThatThrownBy(() -> cache.append(POOL, k, k, zero, zero, List.of(new int[] {2})))
          .hasMessage("page 2 of a KV cache of 2 pages");
      var shape = new Attention.Shape(1, 1, 0, 0);
      assertThatThrownBy(() ->
              Attention.run(
                  POOL, cache, shape, k, null, null, k, zero, zero, List.of(new int[] {0})))
          .hasMessage("attention to page 0, which was never written");
      assertThat(cache.bytes()).isZero();
      cache.append(POOL, k, k, zero, zero, List.of(new int[] {1}));
      assertThat(cache.bytes()).isPositive();
    }
  }
}
