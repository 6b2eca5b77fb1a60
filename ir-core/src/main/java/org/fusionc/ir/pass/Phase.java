package org.fusionc.ir.pass;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Suggestion;

/** The snapshots on a model's way through the compiler, at which one can stop, dump and resume. */
public enum Phase {
  /** As the front end wrote it. */
  IMPORTED,
  /** LLM ops are recognised in what exporters spell out. */
  RAISED,
  /** Merged, fused, and split into load time and run time. */
  OPTIMIZED,
  /** Weights have the dtypes that they are run in. */
  QUANTIZED,
  /** There is a plan: stages, devices, edges. */
  PARTITIONED,
  /** Each stage is in ops that its backend has kernels for. */
  LOWERED,
  /** Kernels have their order and buffers. */
  SCHEDULED;

  /** The phase of that name, in lower case as {@link #toString} has it. */
  public static Phase of(String name) {
    return Arrays.stream(values())
        .filter(phase -> phase.toString().equals(name))
        .findFirst()
        .orElseThrow(() ->
            Diagnostic.usage(
                    "there is no phase '" + name + "'",
                    Suggestion.didYouMean(name, names(), "")
                        + " the phases are "
                        + String.join(", ", names()))
                .exception());
  }

  public static List<String> names() {
    return Arrays.stream(values()).map(Phase::toString).toList();
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
