package org.fusionc.backend.cpu.jit;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.fusionc.ir.diagnostic.Diagnostic;

/** Families of kernels; the exact ones the fastest first. */
public enum Tier {
  /**
   * As {@link #AVX512}, but activations that meet bf16 weights are rounded to bf16, for dot
   * products at twice the rate. Logits then move by some thousandths of their deviation, so this
   * tier is never chosen unasked.
   */
  AVX512_BF16,
  /** Machine code for AVX-512 F, BW, DQ, VL and VNNI. */
  AVX512,
  /** Machine code for AVX2, FMA and F16C; AVX-VNNI where there is it. */
  AVX2,
  /** The JDK's Vector API: any processor. */
  VECTOR;

  /** The best tier that this processor and system run. */
  public static Tier best() {
    return Arrays.stream(values())
        .filter(tier -> tier != AVX512_BF16 && tier.isHere())
        .findFirst()
        .orElseThrow();
  }

  /** Whether this processor and system run it. */
  public boolean isHere() {
    return this == VECTOR || Target.of(this).isPresent();
  }

  /**
   * The tier of that name, {@code auto} for the best one.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if there is none, or it does not run here
   */
  public static Tier named(String name) {
    if (name.equals("auto")) {
      return best();
    }
    for (var tier : values()) {
      if (tier.toString().equals(name)) {
        if (!tier.isHere()) {
          throw Diagnostic.usage(
                  "this processor does not run the tier " + name,
                  "the best one here is " + best() + ", which is the default")
              .exception();
        }
        return tier;
      }
    }
    throw Diagnostic.usage(
            "there is no tier named " + name,
            "the tiers are auto, "
                + Arrays.stream(values()).map(Tier::toString).collect(Collectors.joining(", ")))
        .exception();
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
