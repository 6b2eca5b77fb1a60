package org.fusionc.partitioner;

import org.fusionc.ir.diagnostic.Diagnostic;

/**
 * What a plan is for.
 *
 * @param context tokens per sequence for which there must be room; times are for a full context
 * @param batch sequences at once
 */
public record PlanOptions(Objective objective, int context, int batch) {
  /** One sequence of up to 4096 tokens, each token as soon as possible. */
  public static final PlanOptions DEFAULT = new PlanOptions(Objective.LATENCY, 4096, 1);

  /** The longest chunk of a prompt that a stage computes at once. */
  static final int PREFILL_CHUNK = 512;

  public PlanOptions {
    if (context < 1 || batch < 1) {
      throw Diagnostic.usage(
              "context " + context + " and batch " + batch + " must be at least 1",
              "give positive numbers")
          .exception();
    }
    if ((long) context * batch > Integer.MAX_VALUE) {
      throw Diagnostic.usage(
              "context " + context + " times batch " + batch + " is too many tokens",
              "reduce one of them")
          .exception();
    }
  }

  /** Tokens of a chunk of a prompt. */
  int prefillTokens() {
    return Math.min(context, PREFILL_CHUNK);
  }
}
