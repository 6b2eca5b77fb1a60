package org.fusionc.runtime.sampling;

import java.util.ArrayList;
import java.util.List;

/** Natural logarithms of the probabilities that logits stand for. */
public final class LogProbabilities {
  private LogProbabilities() {}

  /**
   * One token and how probable it is.
   *
   * @param logProbability natural logarithm, at most 0
   */
  public record Candidate(int id, double logProbability) {}

  /**
   * A token that was chosen, and what else the model thought of.
   *
   * @param logProbability of the chosen token
   * @param top the most probable tokens, the most probable first; the chosen one may be among them
   */
  public record Choice(double logProbability, List<Candidate> top) {
    public Choice {
      top = List.copyOf(top);
    }
  }

  /** What the model thought of a token that was chosen, with {@code count} others at most. */
  public static Choice choice(float[] logits, int id, int count) {
    return new Choice(of(logits, id), count == 0 ? List.of() : top(logits, count));
  }

  /** log softmax of {@code logits}, f32[V], accumulated in f64. */
  public static double[] of(float[] logits) {
    double normaliser = normaliser(logits);
    var result = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      result[i] = logits[i] - normaliser;
    }
    return result;
  }

  /** The log-probability of one token. */
  public static double of(float[] logits, int id) {
    return logits[id] - normaliser(logits);
  }

  /** The {@code count} most probable tokens, the most probable first. */
  public static List<Candidate> top(float[] logits, int count) {
    double normaliser = normaliser(logits);
    var ranking = new Ranking(logits, logits.length);
    var top = new ArrayList<Candidate>();
    for (int rank = 0; rank < Math.min(count, logits.length); rank++) {
      int id = ranking.id(rank);
      top.add(new Candidate(id, logits[id] - normaliser));
    }
    return top;
  }

  private static double normaliser(float[] logits) {
    var bits = new LogitBits();
    bits.read(logits, logits.length);
    bits.checkUsable();
    double top = bits.most();
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - top);
    }
    return top + Math.log(sum);
  }
}
