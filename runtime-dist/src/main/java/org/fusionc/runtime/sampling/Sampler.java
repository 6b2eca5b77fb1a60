package org.fusionc.runtime.sampling;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Chooses the next token of a sequence.
 *
 * <p>A choice depends on the options, the logits and the history alone: the random draw for a
 * position is made from the seed and the position, not from earlier draws. So a sequence that is
 * taken over by another process in the middle goes on with the same tokens.
 *
 * <p>Filters come in the order that Hugging Face's generate() has: repetition penalty, then bias
 * and the penalties that count, top-k (ties with the last one stay in), temperature, top-p, min-p.
 * (There top-k comes after the temperature, which makes no difference but by rounding.)
 *
 * <p>Not safe for use by several threads, since it keeps its scratch memory.
 */
public final class Sampler {
  private static final RandomGeneratorFactory<RandomGenerator> RANDOM =
      RandomGeneratorFactory.of("L64X128MixRandom");

  private final SamplingOptions options;
  private final int promptLength;
  private final LogitBits bits = new LogitBits();
  private float[] scores = new float[0];
  private double[] weights = new double[0];

  /** For a sequence without a prompt: everything in the history counts as generated. */
  public Sampler(SamplingOptions options) {
    this(options, 0);
  }

  /**
   * A sampler for one sequence.
   *
   * @param promptLength how many ids of each history are the prompt, which the frequency and
   *     presence penalties do not count
   */
  public Sampler(SamplingOptions options, int promptLength) {
    this.options = options;
    this.promptLength = promptLength;
  }

  public SamplingOptions options() {
    return options;
  }

  /**
   * The next token after {@code history}.
   *
   * @param logits a row, or as many of the largest as are {@link SamplingOptions#enough}: then the
   *     choice is that from the row
   * @param history all ids of the sequence so far, the prompt's included
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a logit is NaN or +infinity, or none
   *     is finite
   */
  public int next(Logits logits, int... history) {
    return switch (logits) {
      case Logits.Row(var values) -> next(values, history);
      case Logits.Best best -> {
        int enough = options.enough();
        if (enough == 0 || enough > best.count()) {
          throw new IllegalArgumentException(
              best.count() + " logits, where " + (enough == 0 ? "all" : enough) + " are needed");
        }
        reserve(best.count());
        yield options.isGreedy() ? best.id(0) : drawFromBest(best, draw(history.length));
      }
    };
  }

  /**
   * The next token after {@code history}.
   *
   * @param logits f32[V], little-endian and contiguous
   * @param history all ids of the sequence so far, the prompt's included
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if a logit is NaN or +infinity, or none
   *     is finite
   */
  public int next(MemorySegment logits, int... history) {
    if (options.isGreedy() && options.enough() == 1) {
      bits.read(logits);
      bits.checkUsable();
      return bits.first();
    }
    int count = Math.toIntExact(logits.byteSize() / Float.BYTES);
    reserve(count);
    MemorySegment.copy(logits, Logits.F32, 0, scores, 0, count);
    return choose(count, history);
  }

  /** As the other, from logits on the heap, which stay as they are. */
  public int next(float[] logits, int... history) {
    reserve(logits.length);
    System.arraycopy(logits, 0, scores, 0, logits.length);
    return choose(logits.length, history);
  }

  private int choose(int count, int[] history) {
    readScores(count);
    if (options.repetitionPenalty() != 1) {
      penalise(count, history);
      readScores(count);
    }
    if (options.shifts()) {
      shift(count, history);
      readScores(count);
    }
    if (options.isGreedy()) {
      return bits.first();
    }
    double draw = draw(history.length);
    boolean filtered = options.topK() > 0 || options.topP() < 1 || options.minP() > 0;
    return filtered
        ? drawFromBest(new Ranking(scores, count), draw)
        : drawFromAll(count, bits.most(), draw);
  }

  private void readScores(int count) {
    bits.read(scores, count);
    bits.checkUsable();
  }

  /** How likely a token is, relative to the most likely one. */
  private double weight(float score, float top) {
    // The largest becomes 0 before the division, so that a tiny temperature cannot overflow.
    return Math.exp((score - top) / options.temperature());
  }

  private void penalise(int count, int[] history) {
    var seen = new BitSet(count);
    for (int id : history) {
      if (id >= 0 && id < count && !seen.get(id)) {
        seen.set(id);
        float penalty = options.repetitionPenalty();
        scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
      }
    }
  }

  private void shift(int count, int[] history) {
    options
        .logitBias()
        .forEach((id, bias) -> {
          if (id >= 0 && id < count) {
            scores[id] += bias;
          }
        });
    var seen = new BitSet(count);
    for (int i = promptLength; i < history.length; i++) {
      int id = history[i];
      if (id >= 0 && id < count) {
        scores[id] -= options.frequencyPenalty();
        if (!seen.get(id)) {
          seen.set(id);
          scores[id] -= options.presencePenalty();
        }
      }
    }
  }

  private int drawFromAll(int count, float top, double draw) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      weights[i] = weight(scores[i], top);
      sum += weights[i];
    }
    double left = draw * sum;
    int last = 0;
    for (int i = 0; i < count; i++) {
      if (weights[i] > 0) {
        last = i;
        left -= weights[i];
        if (left < 0) {
          return i;
        }
      }
    }
    return last; // rounding left a crumb
  }

  private int drawFromBest(Ranked ranked, double draw) {
    float top = ranked.score(0);
    int kept = topK(ranked);
    double total = 0;
    if (options.topK() == 0) {
      for (int i = 0; i < kept; i++) {
        total += weight(scores[i], top);
      }
    } else {
      for (int rank = 0; rank < kept; rank++) {
        total += weight(ranked.score(rank), top);
      }
    }
    double sum = 0;
    int candidates = 0;
    while (candidates < kept) {
      double weight = weight(ranked.score(candidates), top);
      // The best one always stays, as its weight is 1.
      if (weight < options.minP() || (options.topP() < 1 && sum >= options.topP() * total)) {
        break;
      }
      weights[candidates++] = weight;
      sum += weight;
    }
    double left = draw * sum;
    for (int rank = 0; rank < candidates; rank++) {
      left -= weights[rank];
      if (left < 0) {
        return ranked.id(rank);
      }
    }
    return ranked.id(candidates - 1);
  }

  /** How many tokens top-k leaves; those that tie with the last one stay in. */
  private int topK(Ranked ranked) {
    int k = options.topK();
    int count = ranked.count();
    if (k == 0 || k >= count) {
      return count;
    }
    float last = ranked.score(k - 1);
    int kept = k;
    while (kept < count && ranked.score(kept) == last) {
      kept++;
    }
    return kept;
  }

  /** A uniform number in [0, 1) for a position of the sequence. */
  private double draw(int position) {
    long mixed = options.seed() + 0x9E3779B97F4A7C15L * (position + 1L);
    return RANDOM.create(mixed).nextDouble();
  }

  private void reserve(int count) {
    if (scores.length < count) {
      scores = new float[count];
      weights = new double[count];
    }
  }
}
