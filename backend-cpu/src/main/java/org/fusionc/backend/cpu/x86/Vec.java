package org.fusionc.backend.cpu.x86;

/** A vector register, of 128, 256 or 512 bits; numbers from 16 on need AVX-512. */
public sealed interface Vec extends Operand.Register {

  /** 128 bits. */
  record Xmm(int number) implements Vec {
    public Xmm {
      check(number);
    }

    @Override
    public int bytes() {
      return 16;
    }
  }

  /** 256 bits. */
  record Ymm(int number) implements Vec {
    public Ymm {
      check(number);
    }

    @Override
    public int bytes() {
      return 32;
    }
  }

  /** 512 bits. */
  record Zmm(int number) implements Vec {
    public Zmm {
      check(number);
    }

    @Override
    public int bytes() {
      return 64;
    }
  }

  /** The size of the register in bytes. */
  int bytes();

  /** The register of that number that has {@code bytes} bytes: 16, 32 or 64. */
  static Vec of(int bytes, int number) {
    return switch (bytes) {
      case 16 -> new Xmm(number);
      case 32 -> new Ymm(number);
      case 64 -> new Zmm(number);
      default -> throw new IllegalArgumentException("no vector has " + bytes + " bytes");
    };
  }

  /** The part of this register, or the register that this is part of, that has so many bytes. */
  default Vec as(int bytes) {
    return of(bytes, number());
  }

  private static void check(int number) {
    if (number < 0 || number > 31) {
      throw new IllegalArgumentException("vector registers have numbers 0 to 31, not " + number);
    }
  }
}
