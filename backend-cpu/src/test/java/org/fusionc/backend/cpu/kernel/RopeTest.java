package org.fusionc.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RopeTest {

  private static final ComputePool POOL = new ComputePool(2);

  @AfterAll
  static void close() {
    POOL.close();
  }

  @ParameterizedTest
  @CsvSource({
    "2, 1, false", "8, 4, false", "64, 32, false", "80, 16, false", "7, 3, false", "66, 33, false",
    "2, 1, true", "8, 4, true", "64, 32, true", "80, 16, true", "7, 3, true", "66, 33, true"
  })
  void rotatesPairs(int d, int pairs, boolean interleaved) {
    int[] positions = {0, 5, 1000, 3, 257};
    int heads = 3;
    double scale = 1.25;
    try (var buffers = new Buffers(d)) {
      float[] freqs = new float[pairs];
      for (int i = 0; i < pairs; i++) {
        freqs[i] = (float) Math.pow(10_000, -(double) i / pairs);
      }
      int count = positions.length * heads * d;
      MemorySegment x = buffers.random(count);
      MemorySegment y = buffers.empty(count);
      var rope = new Rope(freqs, (float) scale, interleaved);
      rope.run(POOL, x, y, positions, heads, d);
      float[] xs = Buffers.floats(x);
      float[] ys = Buffers.floats(y);
      for (int row = 0; row < positions.length * heads; row++) {
        for (int i = 0; i < pairs; i++) {
          double angle = (double) positions[row / heads] * freqs[i];
          int first = row * d + (interleaved ? 2 * i : i);
          int second = row * d + (interleaved ? 2 * i + 1 : i + pairs);
          double u = xs[first];
          double v = xs[second];
          double c = scale * Math.cos(angle);
          double s = scale * Math.sin(angle);
          assertThat((double) ys[first]).isCloseTo(u * c - v * s, within(1e-6));
          assertThat((double) ys[second]).isCloseTo(v * c + u * s, within(1e-6));
        }
        for (int i = 2 * pairs; i < d; i++) {
          assertThat(ys[row * d + i]).isEqualTo(xs[row * d + i]);
        }
      }
      rope.run(POOL, x, x, positions, heads, d);
      assertThat(Buffers.floats(x)).as("in place").containsExactly(ys);
      buffers.checkGuards();
    }
  }

  @Test
  void refusesTooManyPairs() {
    try (var buffers = new Buffers(1)) {
      MemorySegment x = buffers.random(4);
      var rope = new Rope(new float[] {1, 0.5f}, 1, false);
      assertThatThrownBy(() -> rope.run(POOL, x, x, new int[] {1}, 2, 2))
          .hasMessage("rope rotates 2 pairs, but a head has 2 elements");
    }
  }
}
