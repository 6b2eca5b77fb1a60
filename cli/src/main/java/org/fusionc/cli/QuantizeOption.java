package org.fusionc.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every command that compiles a model takes. */
final class QuantizeOption {
  @Option(
      names = "--quantize",
      paramLabel = "RULES",
      description = {
        "store weights as q8, q4, q8a, q4a, bf16, f16, f32 or none: a format for all, then",
        "formats by name, of which the last that matches counts: 'q4,lm_head=q8,layers.0.*=q8';",
        "q4<64> has groups of 64 (32, 64 or 128; default 32)"
      })
  private @Nullable String rules;

  /** The rules; null if there are none. */
  @Nullable String rules() {
    return rules;
  }
}
