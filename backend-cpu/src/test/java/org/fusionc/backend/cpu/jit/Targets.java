package org.fusionc.backend.cpu.jit;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;

/** The targets that run on this machine, with and without the extensions that a tier may lack. */
final class Targets {
  private Targets() {}

  static List<Target> here() {
    var all = new LinkedHashSet<Target>();
    Target.of(Tier.AVX512).ifPresent(all::add);
    Target.of(Tier.AVX512_BF16).ifPresent(all::add);
    Optional<Target> avx2 = Target.of(Tier.AVX2);
    avx2.ifPresent(all::add);
    avx2.map(t -> new Target(t.tier(), false, false)).ifPresent(all::add);
    return List.copyOf(all);
  }
}
