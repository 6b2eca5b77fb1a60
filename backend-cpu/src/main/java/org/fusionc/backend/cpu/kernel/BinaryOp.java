package org.fusionc.backend.cpu.kernel;

/** Functions of two elements. */
public enum BinaryOp {
  ADD,
  SUBTRACT,
  MULTIPLY,
  DIVIDE,
  MINIMUM,
  MAXIMUM,
  /** silu(a) · b. */
  SWIGLU,
  /** gelu(a) · b, exact gelu. */
  GEGLU,
  /** gelu(a) · b, gelu by tanh. */
  GEGLU_TANH,
  /** relu(a) · b. */
  REGLU
}
