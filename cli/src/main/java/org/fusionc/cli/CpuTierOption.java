package org.fusionc.cli;

import picocli.CommandLine.Option;

/** Which kernels a process computes with. */
final class CpuTierOption {
  private boolean given;

  @Option(
      names = "--cpu-tier",
      paramLabel = "TIER",
      description = {
        "kernels of the cpu backend: auto for the best that the processor runs (default),",
        "avx512, avx2, or vector, which runs on any; avx512-bf16 rounds activations that meet",
        "bf16 weights to bf16, which is faster and less exact"
      })
  void cpuTier(String tier) {
    given = true;
    System.setProperty("fusionc.cpu.tier", tier);
  }

  boolean isGiven() {
    return given;
  }
}
