package org.fusionc.backend.cpu.kernel;

/** Functions of one element. */
public enum UnaryOp {
  /** x · sigmoid(x). */
  SILU,
  /** x · Φ(x), by the error function. */
  GELU,
  /** The approximation of gelu by tanh. */
  GELU_TANH,
  RELU,
  TANH,
  SIGMOID,
  EXP,
  ERF,
  SQRT,
  NEGATE,
  ABS
}
