package org.fusionc.ir.interpret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.QuantizedLayout;
import org.fusionc.ir.backend.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bytes of quantised tensors, and what they stand for. */
class QuantizedTest {
  private static Tensor pack(DType.Quantized dtype, int rows, int columns, double... elements) {
    var h = new Hand();
    var x = h.of(Scalar.F32, elements, rows, columns);
    return ((Packed) h.run(h.b.build(h.b.quantize(x, dtype))).getFirst()).tensor();
  }

  @Test
  void integersComeFirstThenScales() {
    var q8 = pack(new DType.Quantized(8, 32, false), 2, 2, 127, -1, 0, 254);
    assertThat(q8.data().byteSize()).isEqualTo(2 * 32 + 2 * 2);
    var bytes = q8.data().toArray(ValueLayout.JAVA_BYTE);
    assertThat(bytes[0]).isEqualTo((byte) 127);
    assertThat(bytes[1]).isEqualTo((byte) -1);
    assertThat(bytes[32]).isZero();
    assertThat(bytes[33]).isEqualTo((byte) 127);
    for (int i = 2; i < 32; i++) {
      assertThat(bytes[i]).as("padding").isZero();
    }
    var scales = q8.data().asSlice(64);
    assertThat(Elements.real(Scalar.F16, scales, 0)).isEqualTo(1);
    assertThat(Elements.real(Scalar.F16, scales, 1)).isEqualTo(2);
  }

  @Test
  void fourBitIntegersLieTwoToAByteWithAnOffsetOfEight() {
    var q4 = pack(new DType.Quantized(4, 32, false), 1, 3, -8, 7, 1);
    assertThat(q4.data().byteSize()).isEqualTo(16 + 2);
    var bytes = q4.data().toArray(ValueLayout.JAVA_BYTE);
    // -8 as 0 below, 7 as 15 above; then 1 as 9, and a padding of 0 as 8
    assertThat(bytes[0]).isEqualTo((byte) 0xF0);
    assertThat(bytes[1]).isEqualTo((byte) 0x89);
    assertThat(bytes[2]).isEqualTo((byte) 0x88);
    assertThat(Elements.real(Scalar.F16, q4.data().asSlice(16), 0)).isEqualTo(1);
  }

  @Test
  void asymmetricTensorsEndWithTheirMinima() {
    var q8a = pack(new DType.Quantized(8, 32, true), 1, 2, -3, 252);
    assertThat(q8a.data().byteSize()).isEqualTo(32 + 2 + 2);
    assertThat(q8a.data().get(ValueLayout.JAVA_BYTE, 0)).isZero();
    assertThat(q8a.data().get(ValueLayout.JAVA_BYTE, 1)).isEqualTo((byte) 255);
    assertThat(Elements.real(Scalar.F16, q8a.data().asSlice(32), 0)).isEqualTo(1);
    assertThat(Elements.real(Scalar.F16, q8a.data().asSlice(34), 0)).isEqualTo(-3);
  }

  @Test
  void zerosTinyHugeAndNotANumber() {
    for (boolean asymmetric : List.of(false, true)) {
      for (int width : List.of(4, 8)) {
        var dtype = new DType.Quantized(width, 32, asymmetric);
        assertThat(Quantized.unpack(pack(dtype, 1, 3, 0, 0, -0.0), Scalar.F32).row(0))
            .containsOnly(0);
        assertThat(Quantized.unpack(pack(dtype, 1, 2, 1e-12, -1e-12), Scalar.F32).row(0))
            .containsOnly(0);
        for (double[] odd :
            List.of(
                new double[] {1e30, -1e30},
                new double[] {Double.NaN, 1},
                new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})) {
          for (double number : Quantized.unpack(pack(dtype, 1, 2, odd), Scalar.F32).row(0)) {
            assertThat(number).isFinite();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"8, false, 0.006", "8, true, 0.006", "4, false, 0.14", "4, true, 0.08"})
  void noNumberIsFurtherAwayThanHalfAStepOrTwo(int width, boolean asymmetric, double tolerance) {
    var random = new Random(width);
    for (int group : DType.Quantized.GROUPS) {
      for (int columns : List.of(1, 31, 33, 130)) {
        var elements = random.doubles(3L * columns, -1, 1).toArray();
        var packed = pack(new DType.Quantized(width, group, asymmetric), 3, columns, elements);
        var numbers = Quantized.unpack(packed, Scalar.F32);
        for (int i = 0; i < elements.length; i++) {
          assertThat(numbers.real(i)).isCloseTo(elements[i], within(tolerance));
        }
      }
    }
  }

  @Test
  void rowsOfATableArePickedWhole() {
    var h = new Hand();
    var x = h.of(Scalar.F32, new double[] {1, 2, 3, 4, 5, 6}, 3, 2);
    var packed = h.b.quantize(x, new DType.Quantized(8, 32, true));
    var rows = h.b.gather(packed, h.i32(2, 0, 2), 0);
    var y = (Array) h.run(h.b.build(h.b.dequantize(rows, Scalar.F32))).getFirst();
    var all = (Array) h.run(h.b.build(h.b.dequantize(packed, Scalar.F32))).getFirst();
    assertThat(y.row(0)).isEqualTo(all.row(2));
    assertThat(y.row(1)).isEqualTo(all.row(0));
    assertThat(y.row(2)).isEqualTo(all.row(2));
  }

  @Test
  void aLinearOfPackedWeightsIsTheLinearOfTheirNumbers() {
    var h = new Hand();
    var x = h.matrix(2, 3, 1, 2, 3, -1, 0.5, 4);
    var weight = h.matrix(2, 3, 0.3, 0.2, -1, 7, 5, 3);
    var packed = h.b.quantize(weight, new DType.Quantized(4, 32, false));
    var y = h.b.linear(x, packed, null);
    var z = h.b.linear(x, h.b.dequantize(packed, Scalar.F32), null);
    var results = h.run(h.b.build(List.of(y, z)));
    assertThat(((Array) results.get(0)).reals(0, 4))
        .isEqualTo(((Array) results.get(1)).reals(0, 4));
  }

  @Test
  void aTensorHasTheBytesOfItsLayout() {
    var dtype = new DType.Quantized(4, 64, true);
    assertThat(Elements.bytes(dtype, List.of(2L, 3L, 100L))).isEqualTo(6 * (64 + 4 + 4));
    assertThat(new QuantizedLayout(dtype, 6, 100).minimaAt()).isEqualTo(6 * (64 + 4));
    assertThatThrownBy(() -> Elements.bytes(new DType.Quantized(5, 32, false), List.of(32L)))
        .hasMessageContaining("q5<32>");
  }
}
