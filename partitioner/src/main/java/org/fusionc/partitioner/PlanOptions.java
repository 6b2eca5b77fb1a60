package org.fusionc.partitioner;

import org.fusionc.ir.diagnostic.Diagnostic;

/**
 * What a plan is for.
 *
 * @param context tokens per sequence for which there must be room; times are for a full context
 * @param batch sequences at once
 * @param stages exactly so many, each on a device of its own, the busiest as little busy as can be;
 *     0 for as many as is best
 */
public record PlanOptions(Objective objective, int context, int batch, int stages) {
  /** One sequence of up to 4096 tokens, each token as soon as possible. */
  public static final PlanOptions DEFAULT = new PlanOptions(Objective.LATENCY, 4096, 1);

  /** The longest chunk of a prompt that a stage computes at once. */
  static final int PREFILL_CHUNK = 512;

  public PlanOptions {
    if (stages < 0) {
      throw Diagnostic.usage("there cannot be " + stages + " stages", "give 1 or more").exception();
    }
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

  /** With as many stages as is best. */
  public PlanOptions(Objective objective, int context, int batch) {
    this(objective, context, batch, 0);
  }

  /** With exactly so many stages; 0 for as many as is best. */
  public PlanOptions withStages(int count) {
    return new PlanOptions(objective, context, batch, count);
  }

  /** Tokens of a chunk of a prompt. */
  int prefillTokens() {
    return Math.min(context, PREFILL_CHUNK);
  }
}
