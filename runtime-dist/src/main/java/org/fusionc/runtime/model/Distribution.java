package org.fusionc.runtime.model;

import java.lang.foreign.MemorySegment;
import org.fusionc.ir.backend.Tensor;

/** The distribution over tokens that a row of logits stands for. */
final class Distribution {
  private final float[] logits;
  private final int likeliest;
  private final double logOfSum;

  private Distribution(float[] logits) {
    this.logits = logits;
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    likeliest = best;
    double sum = 0;
    for (float each : logits) {
      sum += Math.exp(each - logits[best]);
    }
    logOfSum = logits[best] + Math.log(sum);
  }

  static Distribution of(Tensor logits, int row, int vocabulary) {
    var own = new float[vocabulary];
    MemorySegment.copy(
        logits.data(), Tensor.FLOAT, (long) row * vocabulary * Float.BYTES, own, 0, vocabulary);
    return new Distribution(own);
  }

  double logProbability(int token) {
    return logits[token] - logOfSum;
  }

  /** Of equals the first. */
  int likeliest() {
    return likeliest;
  }

  /** Σ p · (log p - log q) over all tokens, p this one's and q the other's; never negative. */
  double divergence(Distribution other) {
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      double own = logits[i] - logOfSum;
      sum += Math.exp(own) * (own - (other.logits[i] - other.logOfSum));
    }
    return Math.max(0, sum);
  }
}
