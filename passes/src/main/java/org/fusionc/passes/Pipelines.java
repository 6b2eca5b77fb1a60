package org.fusionc.passes;

/** What runs when, as pipelines that {@code fusionc opt -p} takes, and why there. */
public final class Pipelines {
  private Pipelines() {}

  /** From imported to raised: LLM ops for what exporters spell out. */
  public static String raise() {
    return String.join(
        ",",
        // Recognition knows one spelling of each thing, so that spelling comes first.
        "canonicalize",
        "dce");
  }

  /** From raised to optimized: what pays on every decoder. */
  public static String optimize() {
    return String.join(
        ",",
        // Before anything fuses across the selection, which would then stay where it is.
        "hoist-row-selection",
        // Last, when it is settled what is made of weights.
        "split-load-time",
        // The weights that merging and splitting left unread, and the ops that fusing left dead.
        "dce");
  }
}
