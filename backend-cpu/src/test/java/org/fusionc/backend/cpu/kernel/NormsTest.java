package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NormsTest {

  private static final ComputePool POOL = new ComputePool(2);
  private static final double EPS = 1e-5;
  private static final int ROWS = 5;

  @AfterAll
  static void close() {
    POOL.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 17, 31, 64, 1000, 2048, 12_289})
  void rmsNormAndItsSum(int d) {
    try (var buffers = new Buffers(d)) {
      MemorySegment x = buffers.random(ROWS * d);
      MemorySegment r = buffers.random(ROWS * d);
      MemorySegment w = buffers.random(d);
      MemorySegment sum = buffers.empty((long) ROWS * d);
      MemorySegment y = buffers.empty((long) ROWS * d);
      MemorySegment z = buffers.empty((long) ROWS * d);
      Norms.rms(POOL, new Norms.Operands(x, r, sum, w, null, y), ROWS, d, EPS);
      Norms.rms(POOL, new Norms.Operands(sum, null, null, w, null, z), ROWS, d, EPS);
      buffers.checkGuards();
      assertThat(Buffers.floats(z)).containsExactly(Buffers.floats(y));
      float[] ws = Buffers.floats(w);
      float[] xs = Buffers.floats(x);
      float[] rs = Buffers.floats(r);
      float[] sums = Buffers.floats(sum);
      float[] ys = Buffers.floats(y);
      for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < d; j++) {
          assertThat(sums[i * d + j]).isEqualTo(xs[i * d + j] + rs[i * d + j]);
        }
        double squares = 0;
        for (int j = 0; j < d; j++) {
          squares += (double) sums[i * d + j] * sums[i * d + j];
        }
        for (int j = 0; j < d; j++) {
          double expected = sums[i * d + j] / Math.sqrt(squares / d + EPS) * ws[j];
          assertThat((double) ys[i * d + j]).isCloseTo(expected, within(2e-6 * Math.abs(expected)));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 17, 31, 64, 1000, 12_289})
  void layerNormWithAndWithoutBias(int d) {
    for (double offset : new double[] {0, 100}) {
      try (var buffers = new Buffers(d)) {
        float[] xs = buffers.gaussian(ROWS * d, 1);
        for (int i = 0; i < xs.length; i++) {
          xs[i] += (float) offset;
        }
        MemorySegment x = buffers.of(xs);
        MemorySegment r = buffers.of(new float[ROWS * d]);
        MemorySegment w = buffers.random(d);
        MemorySegment b = buffers.random(d);
        MemorySegment plain = buffers.empty((long) ROWS * d);
        MemorySegment biased = buffers.empty((long) ROWS * d);
        MemorySegment sum = buffers.empty((long) ROWS * d);
        MemorySegment fused = buffers.empty((long) ROWS * d);
        Norms.layer(POOL, new Norms.Operands(x, null, null, w, null, plain), ROWS, d, EPS);
        Norms.layer(POOL, new Norms.Operands(x, null, null, w, b, biased), ROWS, d, EPS);
        Norms.layer(POOL, new Norms.Operands(x, r, sum, w, b, fused), ROWS, d, EPS);
        buffers.checkGuards();
        assertThat(Buffers.floats(fused)).containsExactly(Buffers.floats(biased));
        float[] ws = Buffers.floats(w);
        float[] bs = Buffers.floats(b);
        float[] withoutBias = Buffers.floats(plain);
        float[] withBias = Buffers.floats(biased);
        for (int i = 0; i < ROWS; i++) {
          double mean = 0;
          for (int j = 0; j < d; j++) {
            mean += (double) xs[i * d + j] / d;
          }
          double variance = 0;
          for (int j = 0; j < d; j++) {
            variance += (xs[i * d + j] - mean) * (xs[i * d + j] - mean) / d;
          }
          double scale = 1 / Math.sqrt(variance + EPS);
          for (int j = 0; j < d; j++) {
            double expected = (xs[i * d + j] - mean) * scale * ws[j];
            double tolerance = 2e-6 * Math.abs(expected) + 0x1p-24 * scale * Math.abs(ws[j]);
            assertThat((double) withoutBias[i * d + j]).isCloseTo(expected, within(tolerance));
            assertThat((double) withBias[i * d + j])
                .isCloseTo(expected + bs[j], within(tolerance + 3e-7));
          }
        }
      }
    }
  }
}
