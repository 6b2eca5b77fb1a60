package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LinearTest {

  private static final ComputePool POOL = new ComputePool(3);
  private static final int[] SIZES = {0, 1, 2, 3, 5, 16, 17, 31, 33, 67};

  @AfterAll
  static void close() {
    POOL.close();
  }

  @ParameterizedTest
  @EnumSource
  void agreesWithTheDefinitionAtOddSizes(FloatFormat format) {
    for (int m : SIZES) {
      for (int n : SIZES) {
        for (int k : SIZES) {
          check(format, m, n, k, (m + n + k) % 2 == 0);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void agreesWithTheDefinitionWhenKIsCutInPieces(FloatFormat format) {
    check(format, 1, 9, 4111, true);
    check(format, 3, 9, 4111, true);
    check(format, 18, 9, 2079, false);
    check(format, 130, 133, 1040, true);
  }

  private static void check(FloatFormat format, int m, int n, int k, boolean withBias) {
    try (var buffers = new Buffers(7L * m + 31L * n + k)) {
      MemorySegment x = buffers.random(m * k);
      MemorySegment w = buffers.random(n * k, format);
      MemorySegment bias = withBias ? buffers.random(n) : null;
      MemorySegment y = buffers.empty((long) m * n);
      Linear.run(POOL, x, w, format, bias, y, m, n, k);
      buffers.checkGuards();
      float[] xs = Buffers.floats(x);
      float[] ws = Buffers.floats(w, format);
      float[] actual = Buffers.floats(y);
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = withBias ? Buffers.floats(bias)[j] : 0;
          double magnitude = Math.abs(sum);
          for (int p = 0; p < k; p++) {
            double product = (double) xs[i * k + p] * ws[j * k + p];
            sum += product;
            magnitude += Math.abs(product);
          }
          assertThat((double) actual[i * n + j])
              .as("m=%d n=%d k=%d [%d, %d]", m, n, k, i, j)
              .isCloseTo(sum, within(1e-6 * magnitude + 1e-30));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRowHasTheSameBitsAloneAndInAnyBatch(FloatFormat format) {
    int n = 37;
    int k = 2085;
    int most = 131;
    try (var buffers = new Buffers(5);
        var single = new ComputePool(1)) {
      MemorySegment x = buffers.random(most * k);
      MemorySegment w = buffers.random(n * k, format);
      MemorySegment bias = buffers.random(n);
      float[][] alone = new float[most][];
      for (int i = 0; i < most; i++) {
        MemorySegment row = x.asSlice((long) i * k * 4, (long) k * 4);
        alone[i] = run(single, row, w, format, bias, 1, n, k, buffers);
      }
      for (int m : new int[] {1, 2, 3, 4, 7, 16, 17, 64, 131}) {
        float[] batch = run(POOL, x, w, format, bias, m, n, k, buffers);
        for (int i = 0; i < m; i++) {
          assertThat(Arrays.copyOfRange(batch, i * n, (i + 1) * n))
              .as("row %d of %d", i, m)
              .containsExactly(alone[i]);
        }
      }
    }
  }

  private static float[] run(
      ComputePool pool,
      MemorySegment x,
      MemorySegment w,
      FloatFormat format,
      MemorySegment bias,
      int m,
      int n,
      int k,
      Buffers buffers) {
    MemorySegment y = buffers.empty((long) m * n);
    Linear.run(pool, x, w, format, bias, y, m, n, k);
    return Buffers.floats(y);
  }

  @Test
  void everyHalfAndEveryBrainFloatConvertsExactly() {
    try (var buffers = new Buffers(1)) {
      int count = 65536;
      MemorySegment halves = buffers.bytes(2L * count);
      for (int i = 0; i < count; i++) {
        halves.set(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, (short) i);
      }
      MemorySegment out = buffers.empty(count);
      for (int round = 0; round < 50; round++) {
        Packing.row(halves.address(), FloatFormat.F16, count, out.address());
      }
      assertThat(Buffers.floats(out)).containsExactly(Buffers.floats(halves, FloatFormat.F16));
      Packing.row(halves.address(), FloatFormat.BF16, count, out.address());
      assertThat(Buffers.floats(out)).containsExactly(Buffers.floats(halves, FloatFormat.BF16));
    }
  }

  @Test
  void refusesWhatItCannotAddress() {
    try (var buffers = new Buffers(1)) {
      MemorySegment small = buffers.empty(5);
      MemorySegment y = buffers.empty(4);
      assertThatThrownBy(() -> Linear.run(POOL, small, small, FloatFormat.F32, null, y, 2, 2, 3))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("x needs 24 bytes, but its segment has 20");
      MemorySegment heap = MemorySegment.ofArray(new float[6]);
      assertThatThrownBy(() -> Linear.run(POOL, heap, heap, FloatFormat.F32, null, y, 2, 2, 3))
          .hasMessageContaining("Java heap");
    }
  }
}
