package org.fusionc.backend.cpu.x86;

/** The general registers, in the order of their numbers; 64 bits unless the instruction says 32. */
public enum Gp implements Operand.Register {
  RAX,
  RCX,
  RDX,
  RBX,
  RSP,
  RBP,
  RSI,
  RDI,
  R8,
  R9,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15;

  @Override
  @SuppressWarnings("EnumOrdinal") // the constants stand in the order of the encoding
  public int number() {
    return ordinal();
  }
}
