package org.fusionc.runtime.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class EncodingTest {
  private static final DType.Scalar F32 = DType.Scalar.F32;

  private static byte[] encode(Encoding encoding, int rows, int width, float... values) {
    var bytes = new byte[(int) (rows * encoding.rowBytes(F32, width))];
    encoding.encode(
        Tensor.of(values, rows, width).data(), F32, rows, width, MemorySegment.ofArray(bytes));
    return bytes;
  }

  private static float[] decode(Encoding encoding, int rows, int width, byte... bytes) {
    var to = Tensor.of(new float[rows * width], rows, width);
    encoding.decode(MemorySegment.ofArray(bytes), F32, rows, width, to.data());
    return to.floats();
  }

  private static float[] there(Encoding encoding, float... values) {
    return decode(encoding, 1, values.length, encode(encoding, 1, values.length, values));
  }

  private static float[] random(int count, long seed) {
    var random = new Random(seed);
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(-4, 4)));
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource
  void aRowDoesNotDependOnOthers(Encoding encoding) {
    int width = 77;
    var values = random(5 * width, 1);
    var all = encode(encoding, 5, width, values);
    int rowBytes = (int) encoding.rowBytes(F32, width);
    for (int row = 0; row < 5; row++) {
      var alone =
          encode(encoding, 1, width, Arrays.copyOfRange(values, row * width, (row + 1) * width));
      assertThat(alone).isEqualTo(Arrays.copyOfRange(all, row * rowBytes, (row + 1) * rowBytes));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 31, 32, 33, 63, 64, 100, 2047, 2048, 2049, 5000})
  void errorsStayWithinTheirBounds(int width) {
    var values = random(width, width);
    assertThat(there(Encoding.PLAIN, values)).isEqualTo(values);
    var half = there(Encoding.F16, values);
    var brain = there(Encoding.BF16, values);
    var q8 = there(Encoding.Q8, values);
    for (int i = 0; i < width; i++) {
      double x = Math.abs(values[i]);
      assertThat(Math.abs(half[i] - values[i]))
          .isLessThanOrEqualTo((float) Math.max(x * 0x1p-11, 0x1p-25));
      assertThat(Math.abs(brain[i] - values[i])).isLessThanOrEqualTo((float) (x * 0x1p-8));
      double largest = 0;
      int block = i / Encoding.BLOCK * Encoding.BLOCK;
      for (int j = block; j < Math.min(width, block + Encoding.BLOCK); j++) {
        largest = Math.max(largest, Math.abs(values[j]));
      }
      double scale = largest / 127 * (1 + 0x1p-10) + 0x1p-24;
      assertThat((double) Math.abs(q8[i] - values[i])).isLessThanOrEqualTo(scale / 2 * (1 + 1e-6));
    }
  }

  @ParameterizedTest
  @EnumSource
  void zeroStaysZeroAndNanStaysNan(Encoding encoding) {
    for (float zero : there(encoding, 0f, -0f, 0f)) {
      assertThat(Math.abs(zero)).isEqualTo(0f);
    }
    var strange = Float.intBitsToFloat(0x7fffffff);
    assertThat(there(encoding, Float.NaN)).containsExactly(Float.NaN);
    assertThat(there(encoding, strange)[0]).isNaN();
    assertThat(there(encoding, Float.intBitsToFloat(0x7f800001))[0]).isNaN();
    assertThat(there(encoding, Float.intBitsToFloat(0xffffffff))[0]).isNaN();
  }

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "F16", "BF16"})
  void infinitiesStay(Encoding encoding) {
    float[] values = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    assertThat(there(encoding, values)).isEqualTo(values);
    assertThat(there(encoding, Float.MAX_VALUE)[0]).isGreaterThan(1e38f);
  }

  @Test
  void aBlockOfQ8WithAnInfinityIsNanThroughout() {
    var values = new float[40];
    Arrays.fill(values, 1f);
    values[3] = Float.POSITIVE_INFINITY;
    var decoded = there(Encoding.Q8, values);
    for (int i = 0; i < 32; i++) {
      assertThat(decoded[i]).isNaN();
    }
    for (int i = 32; i < 40; i++) {
      assertThat(decoded[i]).isCloseTo(1f, org.assertj.core.data.Offset.offset(1e-2f));
    }
  }

  @Test
  void extremesOfQ8AreCutOffNotInverted() {
    assertThat(there(Encoding.Q8, 1e30f, -1e30f, 5f))
        .containsExactly(65504f * 127, -65504f * 127, 0f);
    assertThat(there(Encoding.Q8, Float.MIN_VALUE)[0]).isBetween(0f, 1e-5f);
  }

  @ParameterizedTest
  @EnumSource
  void noRowsAndNoColumnsAreNoBytes(Encoding encoding) {
    assertThat(encode(encoding, 0, 8)).isEmpty();
    assertThat(decode(encoding, 0, 8)).isEmpty();
    assertThat(encode(encoding, 3, 0)).isEmpty();
    assertThat(decode(encoding, 3, 0)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void anyBytesDecode(Encoding encoding) {
    int width = 50;
    var bytes = new byte[(int) (4 * encoding.rowBytes(F32, width))];
    new Random(3).nextBytes(bytes);
    assertThat(decode(encoding, 4, width, bytes)).hasSize(4 * width);
    assertThatThrownBy(() -> decode(encoding, 5, width, bytes))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void onlyF32IsRounded() {
    assertThat(Encoding.of(org.fusionc.partitioner.WireFormat.Q8, DType.Scalar.I32))
        .isEqualTo(Encoding.PLAIN);
    var from = Tensor.of(new int[] {1, 2}, 2).data();
    assertThatThrownBy(() ->
            Encoding.F16.encode(from, DType.Scalar.I32, 1, 2, MemorySegment.ofArray(new byte[4])))
        .hasMessageContaining("encodes f32, not i32");
  }
}
