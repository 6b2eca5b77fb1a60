package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RopeRowTest {
  @ParameterizedTest
  @CsvSource({
    "1, 2, 1",
    "3, 8, 4",
    "2, 64, 32",
    "5, 80, 16",
    "3, 39, 17",
    "4, 7, 3",
    "1, 11, 0",
    "2, 128, 63"
  })
  void rotatesAndScalesInEveryTarget(int heads, int dim, int pairs) {
    var random = new Random(dim);
    float[] x = new float[heads * dim];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    var freqs = new ArrayList<Float>();
    for (int i = 0; i < pairs; i++) {
      freqs.add((float) Math.pow(10_000, -i / (double) pairs));
    }
    float scale = 0.3f;
    int position = 777;
    for (boolean interleaved : new boolean[] {false, true}) {
      for (var target : Targets.here()) {
        var table = new RopeTable(new RopeTable.Key(freqs, 1.5f, interleaved));
        table.prepare(new int[] {5, position});
        var kernel = Kernels.of(RopeRow.of(target, table, dim));
        try (var arena = new GuardedArena()) {
          var from = arena.floats(x);
          var to = arena.floats(new float[x.length]);
          RopeRow.run(kernel, from.address(), to.address(), table.row(position), heads, scale);
          float[] y = to.toArray(ValueLayout.JAVA_FLOAT);
          RopeRow.run(kernel, from.address(), from.address(), table.row(position), heads, scale);
          assertThat(from.toArray(ValueLayout.JAVA_FLOAT)).as("in place").containsExactly(y);
          for (int h = 0; h < heads; h++) {
            for (int i = 0; i < dim; i++) {
              int pair = interleaved ? i / 2 : i % Math.max(pairs, 1);
              boolean first = interleaved ? i % 2 == 0 : i < pairs;
              int other = interleaved ? i ^ 1 : first ? i + pairs : i - pairs;
              double expected = x[h * dim + i];
              if (i < 2 * pairs) {
                double angle = (double) position * freqs.get(pair);
                double partner = x[h * dim + other] * (first ? -1 : 1);
                expected = 1.5 * (expected * Math.cos(angle) + partner * Math.sin(angle));
              }
              assertThat((double) y[h * dim + i])
                  .as("%s head %d element %d", target, h, i)
                  .isCloseTo(scale * expected, within(6e-7));
            }
          }
        }
      }
    }
  }
}
