package org.fusionc.ir.op;

import java.util.Locale;

/** The functions of a gated unit's gate, by the names that attributes have for them. */
public enum Activation {
  /** {@code x · sigmoid(x)}. */
  SILU,
  /** {@code x · Φ(x)} with the normal distribution's Φ. */
  GELU,
  /** GELU, approximated by the hyperbolic tangent. */
  GELU_TANH;

  /**
   * That of an attribute {@code activation}.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Activation of(String activation) {
    return valueOf(activation.toUpperCase(Locale.ROOT));
  }

  /** The variant that an attribute {@code approximate} names: {@code none} or {@code tanh}. */
  public static Activation gelu(String approximate) {
    return approximate.equals("tanh") ? GELU_TANH : GELU;
  }

  /** The attribute {@code activation}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
