package org.fusionc.partitioner.cost;

/**
 * One run of the function, by the sizes that set its cost.
 *
 * @param tokens how many tokens enter
 * @param outputs how many rows of results are wanted
 * @param context how many tokens back a token attends
 */
public record Step(int tokens, int outputs, int context) {

  /** One more token for each of {@code sequences}, {@code context} tokens into them. */
  public static Step decode(int sequences, int context) {
    return new Step(sequences, sequences, context);
  }

  /** A chunk of one sequence's prompt; its tokens attend half the context on average. */
  public static Step prefill(int tokens, int context) {
    return new Step(tokens, 1, Math.max(1, context / 2));
  }
}
