package org.fusionc.backend.cpu.x86;

/** The mask registers of AVX-512; K0 cannot mask. */
public enum Mask implements Operand.Register {
  K0,
  K1,
  K2,
  K3,
  K4,
  K5,
  K6,
  K7;

  /**
   * Which lanes of the destination an instruction writes.
   *
   * @param zeroing whether the other lanes become 0, rather than staying as they are
   */
  public record Lanes(Mask mask, boolean zeroing) {
    public Lanes {
      if (mask == K0) {
        throw new IllegalArgumentException("k0 cannot mask");
      }
    }
  }

  /** Lanes that are not in the mask stay as they are. */
  public Lanes merging() {
    return new Lanes(this, false);
  }

  /** Lanes that are not in the mask become 0. */
  public Lanes zeroing() {
    return new Lanes(this, true);
  }

  @Override
  @SuppressWarnings("EnumOrdinal") // the constants stand in the order of the encoding
  public int number() {
    return ordinal();
  }
}
