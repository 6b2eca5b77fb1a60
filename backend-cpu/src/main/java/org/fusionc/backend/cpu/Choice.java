package org.fusionc.backend.cpu;

import org.fusionc.ir.backend.Support;

/** What the kernel table says of an op: the kernel that runs it, or why none does. */
sealed interface Choice {
  /** Makes the step of an op. */
  @FunctionalInterface
  interface Factory {
    Step wire(Wiring wiring);
  }

  record Kernel(String name, Factory factory) implements Choice {}

  record None(String reason, String nearest) implements Choice {}

  static Choice kernel(String name, Factory factory) {
    return new Kernel(name, factory);
  }

  static Choice none(String reason, String nearest) {
    return new None(reason, nearest);
  }

  default Support support() {
    return switch (this) {
      case Kernel(var name, _) -> new Support.Yes(name);
      case None(var reason, var nearest) -> new Support.No(reason, nearest);
    };
  }
}
