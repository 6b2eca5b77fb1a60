package org.fusionc.backend.cpu.jit;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.fusionc.backend.cpu.x86.Cpu;
import org.fusionc.backend.cpu.x86.Cpu.Feature;

/**
 * What code is generated for.
 *
 * @param tier AVX512 or AVX2
 * @param dotsBytes whether there is an int8 dot product (VNNI)
 * @param dotsHalves whether there is a bf16 dot product
 */
public record Target(Tier tier, boolean dotsBytes, boolean dotsHalves) {
  private static final Set<Feature> AVX2 = EnumSet.of(Feature.AVX2, Feature.FMA, Feature.F16C);
  private static final Set<Feature> AVX512 =
      EnumSet.of(
          Feature.AVX512F,
          Feature.AVX512BW,
          Feature.AVX512DQ,
          Feature.AVX512VL,
          Feature.AVX512_VNNI);

  /** The target of a tier on this processor; none if it does not run here, or is not of code. */
  public static Optional<Target> of(Tier tier) {
    var features = Cpu.features();
    return switch (tier) {
      case AVX512 ->
          features.containsAll(AVX512) && features.containsAll(AVX2)
              ? Optional.of(new Target(tier, true, features.contains(Feature.AVX512_BF16)))
              : Optional.empty();
      case AVX2 ->
          features.containsAll(AVX2)
              ? Optional.of(new Target(tier, features.contains(Feature.AVX_VNNI), false))
              : Optional.empty();
      case VECTOR -> Optional.empty();
    };
  }

  /** The tier, and what it uses beyond the least that it needs, for people. */
  public String describe() {
    return "["
        + tier
        + (dotsBytes ? ", int8 dot products" : ", no int8 dot products here")
        + (dotsHalves ? ", bf16 dot products" : "")
        + "]";
  }

  /** Bytes of a vector. */
  int vector() {
    return tier == Tier.AVX512 ? 64 : 32;
  }

  /** 32-bit lanes of a vector. */
  int lanes() {
    return vector() / 4;
  }

  /** How many vector registers there are. */
  int registers() {
    return tier == Tier.AVX512 ? 32 : 16;
  }

  boolean isAvx512() {
    return tier == Tier.AVX512;
  }
}
