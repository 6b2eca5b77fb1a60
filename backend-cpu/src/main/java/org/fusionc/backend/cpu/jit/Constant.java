package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Operand.Address;

/** Numbers that kernels read from memory, each repeated over the longest vector. */
enum Constant {
  ONE(1f),
  HALF(0.5f),
  LANE_COUNT_256(8f),
  LANE_COUNT_512(16f),
  INFINITY(Float.POSITIVE_INFINITY),
  NEGATIVE_INFINITY(Float.NEGATIVE_INFINITY),
  LEAST(-Float.MAX_VALUE),
  TWO(2f),
  SIGN(-0f),
  LOG2_E(0x1.715476p0f),
  // ln 2 in two parts; the first has trailing zeros, so its product with a small integer is exact.
  LN2_HIGH(0x1.63p-1f),
  LN2_LOW(-2.12194440e-4f),
  // Below it e^x is 0 in f32, above it infinite.
  EXP_LOWEST(-104f),
  EXP_HIGHEST(89f),
  EXP_3(0x1.5554d8p-3f),
  EXP_4(0x1.5555bep-5f),
  EXP_5(0x1.121022p-7f),
  EXP_6(0x1.6c6b8ep-10f),
  /** The integer 127. */
  EXPONENT_BIAS(Float.intBitsToFloat(127)),
  ZERO(0f),
  /** 0, 1, 2 … 15. */
  INDEX(0f);

  private static final int BYTES = 64;
  private static final MemorySegment TABLE = table();

  private final float value;

  Constant(float value) {
    this.value = value;
  }

  private static MemorySegment table() {
    var table = Arena.global().allocate(values().length * (long) BYTES, BYTES);
    for (var constant : values()) {
      for (int lane = 0; lane < BYTES / Float.BYTES; lane++) {
        table.set(
            ValueLayout.JAVA_FLOAT,
            constant.offset() + lane * (long) Float.BYTES,
            constant == INDEX ? lane : constant.value);
      }
    }
    return table;
  }

  /** The address of all of them, which {@link #at} wants in a register. */
  static long address() {
    return TABLE.address();
  }

  Address at(Gp table) {
    return Address.at(table, offset());
  }

  @SuppressWarnings("EnumOrdinal") // the order is that of the table
  private int offset() {
    return ordinal() * BYTES;
  }
}
