package org.fusionc.frontend.safetensors;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The element types of the safetensors format; each constant's name is what the files write. */
public enum StoredDtype {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private final int bits;

  StoredDtype(int bits) {
    this.bits = bits;
  }

  /** The size of an element in bits; less than 8 where elements are packed. */
  public int bits() {
    return bits;
  }

  /** The dtype that a file's header calls {@code name}, if the format has it. */
  public static Optional<StoredDtype> of(String name) {
    return Arrays.stream(values()).filter(dtype -> dtype.name().equals(name)).findFirst();
  }

  /** What every file may call its dtypes. */
  static List<String> names() {
    return Arrays.stream(values()).map(Enum::name).toList();
  }

  /**
   * The bytes of a tensor of this dtype.
   *
   * @param shape no dimension negative; no dimensions make a scalar
   * @return empty if that overflows 64 bits or is not a whole number of bytes
   */
  public OptionalLong byteLength(List<Long> shape) {
    try {
      long total = bits;
      for (long dimension : shape) {
        total = Math.multiplyExact(total, dimension);
      }
      return total % 8 == 0 ? OptionalLong.of(total / 8) : OptionalLong.empty();
    } catch (ArithmeticException overflow) {
      return OptionalLong.empty();
    }
  }
}
