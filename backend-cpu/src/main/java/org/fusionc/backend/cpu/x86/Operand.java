package org.fusionc.backend.cpu.x86;

/** What an instruction works on: a register, memory, or a number in the instruction itself. */
public sealed interface Operand {

  /** A register of any kind. */
  sealed interface Register extends Operand permits Gp, Vec, Mask {
    /** Its number within its kind. */
    int number();
  }

  /** An 8-bit number in the instruction, 0 to 255. */
  record Imm(int value) implements Operand {
    public Imm {
      if (value < 0 || value > 255) {
        throw new IllegalArgumentException("an immediate has 8 bits, and " + value + " has not");
      }
    }
  }

  static Imm imm(int value) {
    return new Imm(value);
  }

  /**
   * Memory at {@code base + index · scale + displacement}.
   *
   * @param index null for none; never RSP, which the encoding cannot say
   * @param scale 1, 2, 4 or 8
   * @param broadcast one element, repeated over the vector (EVEX only)
   */
  record Address(
      Gp base,
      @org.jspecify.annotations.Nullable Gp index,
      int scale,
      int displacement,
      boolean broadcast)
      implements Operand {
    public Address {
      if (index == Gp.RSP) {
        throw new IllegalArgumentException("rsp is no index");
      }
      if (scale != 1 && scale != 2 && scale != 4 && scale != 8) {
        throw new IllegalArgumentException("a scale is 1, 2, 4 or 8, not " + scale);
      }
    }

    public static Address at(Gp base) {
      return at(base, 0);
    }

    public static Address at(Gp base, int displacement) {
      return new Address(base, null, 1, displacement, false);
    }

    public static Address at(Gp base, Gp index, int scale, int displacement) {
      return new Address(base, index, scale, displacement, false);
    }

    /** The same address, its element repeated over the vector. */
    public Address repeated() {
      return new Address(base, index, scale, displacement, true);
    }

    /** {@code bytes} further on. */
    public Address plus(int bytes) {
      return new Address(base, index, scale, Math.addExact(displacement, bytes), broadcast);
    }
  }
}
