package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over a paged cache, page by page with the online softmax (Milakov & Gimelshein
 * 2018, arXiv:1805.02867). One task does one token and one key head with all query heads that share
 * it. Positions are taken in ascending order and page by page, so the result does not depend on the
 * batch.
 */
public final class Attention {
  /**
   * What does not change between runs.
   *
   * @param heads query heads, a multiple of the cache's
   * @param scale of the scores
   * @param window how many positions back count, the own included; 0 for all
   * @param softcap limit of the scores; 0 for none
   */
  public record Shape(int heads, float scale, int window, float softcap) {}

  private final KvPages cache;
  private final Shape shape;
  private final long q;
  private final long slopes;
  private final long sinks;
  private final long out;
  private final int[] sequence;
  private final int[] position;
  private final List<int[]> table;
  private final int group;

  private Attention(
      KvPages cache,
      Shape shape,
      long q,
      long slopes,
      long sinks,
      long out,
      int[] sequence,
      int[] position,
      List<int[]> table) {
    this.cache = cache;
    this.shape = shape;
    this.q = q;
    this.slopes = slopes;
    this.sinks = sinks;
    this.out = out;
    this.sequence = sequence;
    this.position = position;
    this.table = table;
    this.group = shape.heads / cache.heads();
  }

  /**
   * {@code out[t, h] = Σ_p softmax_p(score) · v[p]}; see the op {@code attention} for the scores.
   *
   * @param q f32 [tokens, heads, keyDim]
   * @param slopes f32 [heads], or null
   * @param sinks f32 [heads], or null
   * @param out f32 [tokens, heads, valueDim]
   */
  public static void run(
      ComputePool pool,
      KvPages cache,
      Shape shape,
      MemorySegment q,
      @Nullable MemorySegment slopes,
      @Nullable MemorySegment sinks,
      MemorySegment out,
      int[] sequence,
      int[] position,
      List<int[]> table) {
    int tokens = sequence.length;
    var attention =
        new Attention(
            cache,
            shape,
            Operand.input("q", q, (long) tokens * shape.heads * cache.keyDim()),
            slopes == null ? 0 : Operand.input("slopes", slopes, shape.heads),
            sinks == null ? 0 : Operand.input("sinks", sinks, shape.heads),
            Operand.output("out", out, (long) tokens * shape.heads * cache.valueDim()),
            sequence,
            position,
            table);
    pool.parallelFor(
        (long) tokens * cache.heads(),
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            attention.one((int) (task / cache.heads()), (int) (task % cache.heads()));
          }
        });
  }

  /** Attends for one token and the query heads of one key head. */
  private void one(int token, int kvHead) {
    int slots = Lanes.roundUp(cache.pageTokens());
    int width = Lanes.roundUp(cache.valueDim());
    long scores = Scratch.reserve(4L * (slots + (long) group * (width + 2)));
    long sums = scores + 4L * slots;
    long state = sums + 4L * group * width;
    for (int g = 0; g < group; g++) {
      Lanes.set(state + 8L * g, Float.NEGATIVE_INFINITY);
      Lanes.set(state + 8L * g + 4, 0f);
      for (int i = 0; i < width; i += Lanes.COUNT) {
        Lanes.store(Lanes.zero(), sums + 4L * ((long) g * width + i));
      }
    }
    int last = position[token];
    int first = shape.window > 0 ? Math.max(0, last - shape.window + 1) : 0;
    int pageTokens = cache.pageTokens();
    int[] pages = table.get(sequence[token]);
    for (int page = first / pageTokens; page <= last / pageTokens; page++) {
      int from = Math.max(first - page * pageTokens, 0);
      int to = Math.min(last - page * pageTokens + 1, pageTokens);
      long keys = cache.keys(pages[page], kvHead);
      long values = cache.values(pages[page], kvHead);
      for (int g = 0; g < group; g++) {
        int head = kvHead * group + g;
        long query = q + 4L * ((long) token * shape.heads + head) * cache.keyDim();
        score(query, keys, from, to, scores);
        adjust(scores, from, to, slots, head, page * pageTokens - last);
        accumulate(scores, from, to, values, sums + 4L * g * width, state + 8L * g);
      }
    }
    for (int g = 0; g < group; g++) {
      int head = kvHead * group + g;
      finish(
          sums + 4L * g * width,
          state + 8L * g,
          head,
          out + 4L * ((long) token * shape.heads + head) * cache.valueDim());
    }
  }

  /** scores[s] = q · k[s]. */
  private void score(long query, long keys, int from, int to, long scores) {
    int dim = cache.keyDim();
    int bytes = cache.format().bytes();
    for (int s = from; s < to; s++) {
      long key = keys + (long) s * dim * bytes;
      Lanes.set(
          scores + 4L * s,
          cache.format() == FloatFormat.F32 ? dot(query, key, dim) : dotF16(query, key, dim));
    }
  }

  private static float dot(long x, long y, int n) {
    FloatVector sum = Lanes.zero();
    int i = 0;
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      sum = Lanes.load(x + 4L * i).fma(Lanes.load(y + 4L * i), sum);
    }
    float total = Lanes.sum(sum);
    for (; i < n; i++) {
      total = Math.fma(Lanes.get(x + 4L * i), Lanes.get(y + 4L * i), total);
    }
    return total;
  }

  private static float dotF16(long x, long y, int n) {
    FloatVector sum = Lanes.zero();
    int i = 0;
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      sum = Lanes.load(x + 4L * i).fma(Lanes.loadF16(y + 2L * i), sum);
    }
    float total = Lanes.sum(sum);
    for (; i < n; i++) {
      total = Math.fma(Lanes.get(x + 4L * i), Lanes.getF16(y + 2L * i), total);
    }
    return total;
  }

  /** Scales, caps and slopes the scores; slots that do not count become -infinity. */
  private void adjust(long scores, int from, int to, int slots, int head, int distance) {
    for (int s = 0; s < from; s++) {
      Lanes.set(scores + 4L * s, Float.NEGATIVE_INFINITY);
    }
    for (int s = to; s < slots; s++) {
      Lanes.set(scores + 4L * s, Float.NEGATIVE_INFINITY);
    }
    float slope = slopes == 0 ? 0 : Lanes.get(slopes + 4L * head);
    for (int s = from; s < to; s++) {
      float score = Lanes.get(scores + 4L * s) * shape.scale;
      if (shape.softcap > 0) {
        score = shape.softcap * (float) Math.tanh(score / shape.softcap);
      }
      Lanes.set(scores + 4L * s, score + slope * (distance + s));
    }
  }

  /** Takes a page's scores and values into the running maximum, denominator and weighted sum. */
  private void accumulate(long scores, int from, int to, long values, long sum, long state) {
    int slots = Lanes.roundUp(cache.pageTokens());
    FloatVector largest = Lanes.load(scores);
    for (int s = Lanes.COUNT; s < slots; s += Lanes.COUNT) {
      largest = largest.max(Lanes.load(scores + 4L * s));
    }
    float before = Lanes.get(state);
    float max = Math.max(before, Lanes.max(largest));
    FloatVector total = Lanes.zero();
    for (int s = 0; s < slots; s += Lanes.COUNT) {
      FloatVector weight = VectorMath.exp(Lanes.load(scores + 4L * s).sub(max));
      Lanes.store(weight, scores + 4L * s);
      total = total.add(weight);
    }
    float correction = before == max ? 1f : exp(before - max);
    Lanes.set(state, max);
    Lanes.set(state + 4, Math.fma(Lanes.get(state + 4), correction, Lanes.sum(total)));
    int dim = cache.valueDim();
    int bytes = cache.format().bytes();
    int i = 0;
    for (; i + Lanes.COUNT <= dim; i += Lanes.COUNT) {
      long column = values + (long) i * bytes;
      FloatVector at = Lanes.load(sum + 4L * i).mul(correction);
      Lanes.store(
          cache.format() == FloatFormat.F32
              ? column(at, scores, column, from, to, dim)
              : columnF16(at, scores, column, from, to, dim),
          sum + 4L * i);
    }
    for (; i < dim; i++) {
      float at = Lanes.get(sum + 4L * i) * correction;
      for (int s = from; s < to; s++) {
        at =
            Math.fma(
                Lanes.get(scores + 4L * s),
                Lanes.get(values, cache.format(), (long) s * dim + i),
                at);
      }
      Lanes.set(sum + 4L * i, at);
    }
  }

  private static FloatVector column(
      FloatVector start, long weights, long column, int from, int to, int dim) {
    FloatVector sum = start;
    for (int s = from; s < to; s++) {
      sum = Lanes.load(column + 4L * s * dim).fma(broadcast(weights + 4L * s), sum);
    }
    return sum;
  }

  private static FloatVector columnF16(
      FloatVector start, long weights, long column, int from, int to, int dim) {
    FloatVector sum = start;
    for (int s = from; s < to; s++) {
      sum = Lanes.loadF16(column + 2L * s * dim).fma(broadcast(weights + 4L * s), sum);
    }
    return sum;
  }

  /** One exponential, with the bits that a lane of many would have. */
  private static float exp(float x) {
    return VectorMath.exp(FloatVector.broadcast(Lanes.F32, x)).lane(0);
  }

  private static FloatVector broadcast(long address) {
    return FloatVector.broadcast(Lanes.F32, Lanes.get(address));
  }

  private void finish(long sum, long state, int head, long target) {
    float max = Lanes.get(state);
    float total = Lanes.get(state + 4);
    float factor = 1f;
    if (sinks != 0) {
      // The sink is one more score that has no value: it only takes weight away.
      float sink = Lanes.get(sinks + 4L * head);
      float newMax = Math.max(max, sink);
      factor = exp(max - newMax);
      total = Math.fma(total, factor, exp(sink - newMax));
    }
    factor /= total;
    int dim = cache.valueDim();
    for (int i = 0; i < dim; i++) {
      Lanes.set(target + 4L * i, Lanes.get(sum + 4L * i) * factor);
    }
  }
}
