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
  MINUS_HALF(-0.5f),
  // Beyond it the normal distribution's tail is 0 in f32.
  GELU_LOWEST(-16f),
  // ½ erfc(a) = e^(-a²) · t · p(t) with t = 1 / (1 + 0.4 a); the slope is for a = -x / √2.
  TAIL_SLOPE(-0.28284273f),
  TAIL_0(0.22570367f / 2),
  TAIL_1(0.22501524f / 2),
  TAIL_2(0.21439105f / 2),
  TAIL_3(0.13215484f / 2),
  TAIL_4(0.26487875f / 2),
  TAIL_5(-0.2709329f / 2),
  TAIL_6(0.53123903f / 2),
  TAIL_7(-0.48663816f / 2),
  TAIL_8(0.19282612f / 2),
  TAIL_9(-0.028637625f / 2),
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
