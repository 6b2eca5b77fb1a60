package org.fusionc.backend.cpu.jit;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.fusionc.backend.cpu.x86.Cpu;
import org.fusionc.backend.cpu.x86.Cpu.Feature;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.PackedLayout;

/**
 * What code is generated for.
 *
 * @param tier any but VECTOR
 * @param dotsBytes whether there is an int8 dot product (VNNI)
 * @param dotsHalves whether bf16 weights are multiplied by bf16 dot products
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
              ? Optional.of(new Target(tier, true, false))
              : Optional.empty();
      case AVX512_BF16 ->
          of(Tier.AVX512)
              .filter(_ -> features.contains(Feature.AVX512_BF16))
              .map(_ -> new Target(tier, true, true));
      case AVX2 ->
          features.containsAll(AVX2)
              ? Optional.of(new Target(tier, features.contains(Feature.AVX_VNNI), false))
              : Optional.empty();
      case VECTOR -> Optional.empty();
    };
  }

  /** The tier, and how it multiplies weights of a dtype, for people. */
  public String describe(DType dtype) {
    String way =
        switch (dtype) {
          case DType.Quantized _ ->
              dotsBytes ? "int8 dot products" : "int8 products, as there are no dot products";
          case DType.Scalar scalar ->
              scalar == DType.Scalar.BF16 && dotsHalves ? "bf16 dot products" : "f32 multiply-adds";
        };
    return tier + ", " + way;
  }

  /** How weights lie for it. */
  public PackedLayout layout() {
    String name = isAvx512() ? "avx512" : dotsBytes ? "avx2-vnni" : "avx2";
    return PackedLayout.named(name).orElseThrow();
  }

  /** Bytes of a vector. */
  int vector() {
    return isAvx512() ? 64 : 32;
  }

  /** 32-bit lanes of a vector. */
  int lanes() {
    return vector() / 4;
  }

  /** How many vector registers there are. */
  int registers() {
    return isAvx512() ? 32 : 16;
  }

  boolean isAvx512() {
    return tier != Tier.AVX2;
  }
}
