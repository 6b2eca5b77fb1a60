package org.fusionc.ir.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Literal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElementsTest {
  private final MemorySegment memory = MemorySegment.ofArray(new byte[32]);

  /** Every bit pattern of the small dtypes decodes to a value that rounds and encodes to itself. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F8E4M3", "F8E5M2"})
  void smallFloatsReadAndWriteBack(Scalar dtype) {
    int patterns = 1 << (int) dtype.bits();
    for (int bits = 0; bits < patterns; bits++) {
      put(dtype, bits);
      double value = Elements.real(dtype, memory, 1);
      if (Double.isInfinite(value) || !Double.isNaN(value)) {
        assertThat(Elements.round(dtype, value)).isEqualTo(value);
        put(dtype, 0x5A5A);
        Elements.setReal(dtype, memory, 1, value);
        assertThat(get(dtype)).as("%s of %s", Integer.toHexString(bits), value).isEqualTo(bits);
      }
    }
  }

  private void put(Scalar dtype, int bits) {
    memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, dtype.bytes(), (byte) bits);
    if (dtype.bytes() == 2) {
      memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 3, (byte) (bits >> 8));
    }
  }

  private int get(Scalar dtype) {
    int low = memory.get(java.lang.foreign.ValueLayout.JAVA_BYTE, dtype.bytes()) & 0xFF;
    return dtype.bytes() == 1
        ? low
        : low | (memory.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 3) & 0xFF) << 8;
  }

  /** A value between two neighbours goes to the nearer one, and half-way to the even one. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F8E4M3", "F8E5M2"})
  void roundingIsToTheNearestAndToEven(Scalar dtype) {
    int fraction =
        switch (dtype) {
          case F16 -> 10;
          case BF16 -> 7;
          case F8E4M3 -> 3;
          default -> 2;
        };
    double unit = Math.scalb(1, -fraction);
    assertThat(Elements.round(dtype, 1 + unit / 2)).isEqualTo(1);
    assertThat(Elements.round(dtype, 1 + unit * 1.5)).isEqualTo(1 + 2 * unit);
    assertThat(Elements.round(dtype, Math.nextUp(1 + unit / 2))).isEqualTo(1 + unit);
    assertThat(Elements.round(dtype, -Math.nextDown(1 + unit * 1.5))).isEqualTo(-1 - unit);
  }

  /** By way of float, 1 + 2⁻¹¹ + 2⁻⁴⁰ would become 1 + 2⁻¹¹, a tie, and then 1. */
  @Test
  void thereIsOneRounding() {
    double justAboveTie = 1 + 0x1p-11 + 0x1p-40;
    assertThat(Elements.round(Scalar.F16, justAboveTie)).isEqualTo(1 + 0x1p-10);
    assertThat(Float.float16ToFloat(Float.floatToFloat16((float) justAboveTie))).isEqualTo(1);
  }

  @Test
  void floatsRoundAsJavaDoes() {
    for (int i = 0; i < 10_000; i++) {
      float value = Float.intBitsToFloat(i * 429_497);
      if (Float.isFinite(value)) {
        assertThat(Elements.round(Scalar.F16, value))
            .isEqualTo(Float.float16ToFloat(Float.floatToFloat16(value)));
      }
    }
  }

  @Test
  void overflowIsInfinityExceptWhereThereIsNone() {
    assertThat(Elements.round(Scalar.F16, 65519.9)).isEqualTo(65504);
    assertThat(Elements.round(Scalar.F16, 65520)).isInfinite();
    assertThat(Elements.round(Scalar.BF16, 3.4e38)).isInfinite();
    assertThat(Elements.round(Scalar.F8E5M2, -1e6)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(Elements.round(Scalar.F8E4M3, 1e6)).isEqualTo(448);
    assertThat(Elements.round(Scalar.F8E4M3, Double.NEGATIVE_INFINITY)).isEqualTo(-448);
  }

  @ParameterizedTest
  @EnumSource(Scalar.class)
  void notANumberStaysOne(Scalar dtype) {
    if (dtype.kind() == Scalar.Kind.FLOAT) {
      Elements.setReal(dtype, memory, 1, Double.NaN);
      assertThat(Elements.real(dtype, memory, 1)).isNaN();
    } else {
      assertThat(Elements.truncate(dtype, Double.NaN)).isEqualTo(dtype == Scalar.BOOL ? 1 : 0);
    }
  }

  @ParameterizedTest
  @EnumSource(Scalar.class)
  void integersWrapAndReadBack(Scalar dtype) {
    if (dtype.kind() == Scalar.Kind.FLOAT) {
      return;
    }
    for (long value : new long[] {0, 1, -1, 7, 8, 127, 128, -129, 40_000, 1L << 33, 1L << 63}) {
      Elements.setInteger(dtype, memory, 0, 1);
      Elements.setInteger(dtype, memory, 2, 1);
      Elements.setInteger(dtype, memory, 1, value);
      assertThat(Elements.integer(dtype, memory, 1)).isEqualTo(Elements.wrap(dtype, value));
      assertThat(Elements.integer(dtype, memory, 0)).as("its neighbour").isEqualTo(1);
      assertThat(Elements.integer(dtype, memory, 2)).as("its neighbour").isEqualTo(1);
    }
  }

  @Test
  void conversionToIntegersTruncatesAndIsLimited() {
    assertThat(Elements.truncate(Scalar.I8, -3.9)).isEqualTo(-3);
    assertThat(Elements.truncate(Scalar.I8, 200)).isEqualTo(127);
    assertThat(Elements.truncate(Scalar.U8, -5)).isEqualTo(0);
    assertThat(Elements.truncate(Scalar.I4, -100)).isEqualTo(-8);
    assertThat(Elements.truncate(Scalar.U32, 1e10)).isEqualTo(0xFFFF_FFFFL);
    assertThat(Elements.truncate(Scalar.I64, 1e30)).isEqualTo(Long.MAX_VALUE);
    assertThat(Elements.truncate(Scalar.U64, 0x1p63 + 2048)).isEqualTo(Long.MIN_VALUE + 2048);
    assertThat(Elements.truncate(Scalar.U64, 1e30)).isEqualTo(-1);
    assertThat(Elements.truncate(Scalar.BOOL, 0.25)).isEqualTo(1);
  }

  @Test
  void unsignedLongsAreNotNegative() {
    assertThat(Elements.toDouble(Scalar.U64, -1)).isEqualTo(0x1p64);
    assertThat(Elements.toDouble(Scalar.U64, Long.MIN_VALUE)).isEqualTo(0x1p63);
    assertThat(Elements.toDouble(Scalar.I64, -1)).isEqualTo(-1);
  }

  @Test
  void halfBytesTakeWholeBytesTogether() {
    assertThat(Elements.bytes(Scalar.I4, 3)).isEqualTo(2);
    assertThat(Elements.bytes(Scalar.F32, 3)).isEqualTo(12);
  }

  @Test
  void aLiteralOfEqualElementsIsOne() {
    assertThat(Elements.literal(Tensor.of(new float[] {2, 2}, 2))).isEqualTo(Literal.of(2.0));
    assertThat(Elements.literal(Tensor.of(new int[] {2, 3}, 2)))
        .isEqualTo(new Literal(List.of(2L, 3L)));
  }
}
