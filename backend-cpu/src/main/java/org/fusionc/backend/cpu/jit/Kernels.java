package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.fusionc.backend.cpu.x86.MachineCode;

/**
 * The kernels of this process by their descriptions, each generated when it is first asked for.
 * There are some dozens of descriptions, or some hundreds, so what was generated is kept.
 */
final class Kernels {

  /** Says what a kernel computes, and writes it; equal descriptions are the same kernel. */
  interface Description {
    byte[] generate();
  }

  private static final Map<Description, MachineCode> GENERATED = new ConcurrentHashMap<>();

  private Kernels() {}

  static MachineCode of(Description description) {
    return GENERATED.computeIfAbsent(
        description, d -> MachineCode.of(d.generate(), Arena.global()));
  }
}
