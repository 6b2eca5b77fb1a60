package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MatmulTest {
  private static final ComputePool POOL = new ComputePool(2);

  @AfterAll
  static void close() {
    POOL.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, 1, false",
    "4, 7, 6, 12, false",
    "4, 7, 6, 12, true",
    "3, 5, 33, 130, false",
    "2, 0, 8, 16, false",
    "128, 3, 12, 51, false"
  })
  void matmul(int batch, int m, int k, int n, boolean shared) {
    try (var buffers = new Buffers(batch + n)) {
      MemorySegment x = buffers.of(buffers.gaussian(batch * m * k, 1));
      MemorySegment y = buffers.of(buffers.gaussian((shared ? 1 : batch) * k * n, 1));
      MemorySegment z = buffers.empty((long) batch * m * n);
      Matmul.run(POOL, x, y, z, batch, m, k, n, shared);
      buffers.checkGuards();
      float[] xs = Buffers.floats(x);
      float[] ys = Buffers.floats(y);
      float[] zs = Buffers.floats(z);
      for (int row = 0; row < batch * m; row++) {
        int matrix = shared ? 0 : row / m;
        for (int column = 0; column < n; column++) {
          double sum = 0;
          for (int i = 0; i < k; i++) {
            sum += (double) xs[row * k + i] * ys[(matrix * k + i) * n + column];
          }
          assertThat((double) zs[row * n + column]).isCloseTo(sum, within(1e-5 * (k + 1)));
        }
      }
    }
  }
}
