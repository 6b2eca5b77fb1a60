package org.fusionc.passes;

import java.util.Optional;
import org.fusionc.ir.pass.Phase;

/** What runs when, as pipelines that {@code fusionc opt -p} takes, and why there. */
public final class Pipelines {
  private Pipelines() {}

  /** From imported to raised: LLM ops for what exporters spell out. */
  public static String raise() {
    return String.join(
        ",",
        // Recognition knows one spelling of each thing, so that spelling comes first.
        "canonicalize",
        // An exporter's arithmetic on shapes and epsilons becomes numbers that patterns can read.
        "fold-constants",
        "raise",
        // What recognition left unused would count as a use in the passes that follow.
        "dce");
  }

  /** From raised to optimized: what pays on every decoder and does not depend on the plan. */
  public static String optimize() {
    return String.join(
        ",",
        "canonicalize",
        // Before anything merges across the selection, which would then stay where it is.
        "hoist-row-selection",
        "merge-qkv",
        "merge-gate-up",
        // After the merge: the two halves of one product are what this looks for.
        "fuse-swiglu",
        // Last, when it is settled what is made of weights.
        "split-load-time",
        // The weights that merging and splitting left unread, and the ops that fusing left dead.
        "dce");
  }

  /**
   * From optimized to quantized, where it is asked for.
   *
   * @param rules the formats of weights: {@code q4,lm_head=q8}
   */
  public static String quantize(String rules) {
    var quoted = rules.replace("\\", "\\\\").replace("\"", "\\\"");
    return String.join(
        ",",
        // After merging, so that one packed weight is read where three would be; patterns speak of
        // the model's own weights all the same.
        "quantize{rules=\"" + quoted + "\"}",
        // Packing happens once, where the weights live.
        "split-load-time",
        // What was packed is read no more.
        "dce");
  }

  /**
   * From partitioned towards lowered: fusions within a stage. They come after the cut, because a
   * cut through {@code add_rms_norm} would send both of its results where one, the sum, is enough.
   */
  public static String lower() {
    return String.join(
        ",",
        "fuse-add-rms-norm",
        "fuse-rope",
        // Weights have their formats by now: quantising takes products apart, but knows no fused
        // ones.
        "fuse-gated-linear",
        // A stage keeps only what it reads.
        "dce");
  }

  /** The pipeline that leads to the phase from the one before; empty if no passes do. */
  public static Optional<String> to(Phase phase) {
    return switch (phase) {
      case RAISED -> Optional.of(raise());
      case OPTIMIZED -> Optional.of(optimize());
      case LOWERED -> Optional.of(lower());
      case IMPORTED, QUANTIZED, PARTITIONED, SCHEDULED -> Optional.empty();
    };
  }
}
