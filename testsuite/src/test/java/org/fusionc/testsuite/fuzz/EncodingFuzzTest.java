package org.fusionc.testsuite.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.Stream;
import org.fusionc.ir.DType;
import org.fusionc.runtime.wire.Encoding;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Rows as they travel, of any bytes: they can be decoded, and what has been rounded once is not
 * rounded again.
 */
class EncodingFuzzTest {
  private static final DType.Scalar F32 = DType.Scalar.F32;

  static Stream<byte[]> seeds() {
    var bytes = new byte[200];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 37);
    }
    return Stream.of(Encoding.values())
        .flatMap(encoding ->
            Stream.of(1, 31, 32, 33)
                .map(width -> {
                  var seed = bytes.clone();
                  seed[0] = (byte) encoding.ordinal();
                  seed[1] = (byte) width.intValue();
                  return seed;
                }));
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void rows(byte[] input) {
    if (input.length < 2) {
      return;
    }
    var encoding = Encoding.values()[(input[0] & 0xff) % Encoding.values().length];
    int width = 1 + (input[1] & 0xff) % 80;
    long rows = (input.length - 2) / encoding.rowBytes(F32, width);
    int used = (int) (rows * encoding.rowBytes(F32, width));
    var sent = MemorySegment.ofArray(Arrays.copyOfRange(input, 2, 2 + used));
    var values = new float[(int) rows * width];
    encoding.decode(sent, F32, rows, width, MemorySegment.ofArray(values));
    var again = MemorySegment.ofArray(new byte[used]);
    encoding.encode(MemorySegment.ofArray(values), F32, rows, width, again);
    var back = new float[values.length];
    encoding.decode(again, F32, rows, width, MemorySegment.ofArray(back));
    for (int i = 0; i < values.length; i++) {
      boolean same =
          switch (encoding) {
            case PLAIN -> Float.floatToRawIntBits(values[i]) == Float.floatToRawIntBits(back[i]);
            case F16, BF16 -> Float.compare(values[i], back[i]) == 0;
            // A block's scale may be chosen anew; and one number that is none takes all with it.
            case Q8 ->
                !Float.isFinite(back[i])
                    || Math.abs(values[i] - back[i]) <= error(values, i, width);
          };
      assertThat(same).as("%s: %s became %s", encoding, values[i], back[i]).isTrue();
    }
  }

  /** How far Q8 may be off. */
  private static float error(float[] values, int at, int width) {
    int row = at / width * width;
    int from = row + (at - row) / Encoding.BLOCK * Encoding.BLOCK;
    float largest = 0;
    for (int i = from; i < Math.min(from + Encoding.BLOCK, row + width); i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    float scale = largest / 127 * (1 + 1f / 1024) + 0x1p-24f;
    return largest > 8.3e6f ? Float.POSITIVE_INFINITY : scale * 0.501f;
  }
}
