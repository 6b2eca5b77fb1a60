package org.fusionc.backend.cpu.jit;

/** Functions of one number that there is machine code for. */
public enum Activation {
  /** {@code x · sigmoid(x)}. */
  SILU,
  /** {@code x · Φ(x)} with the normal distribution's Φ. */
  GELU,
  /** GELU, approximated by the hyperbolic tangent. */
  GELU_TANH
}
