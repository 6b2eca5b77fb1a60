package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SoftmaxTest {

  private static final ComputePool POOL = new ComputePool(2);

  @AfterAll
  static void close() {
    POOL.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 17, 31, 64, 1000, 50_257})
  void softmax(int d) {
    try (var buffers = new Buffers(d)) {
      MemorySegment x = buffers.of(buffers.gaussian(3 * d, 5));
      MemorySegment y = buffers.empty(3L * d);
      Softmax.run(POOL, x, y, 3, d);
      buffers.checkGuards();
      float[] xs = Buffers.floats(x);
      float[] ys = Buffers.floats(y);
      for (int i = 0; i < 3; i++) {
        double max = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < d; j++) {
          max = Math.max(max, xs[i * d + j]);
        }
        double sum = 0;
        for (int j = 0; j < d; j++) {
          sum += Math.exp(xs[i * d + j] - max);
        }
        for (int j = 0; j < d; j++) {
          double expected = Math.exp(xs[i * d + j] - max) / sum;
          // The difference to the maximum is rounded before the exponential.
          double tolerance = 2e-6 * expected * (1 + (max - xs[i * d + j]) / 16);
          assertThat((double) ys[i * d + j]).isCloseTo(expected, within(tolerance));
        }
      }
    }
  }
}
