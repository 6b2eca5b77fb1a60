package org.fusionc.backend.cpu.jit;

import static org.assertj.core.api.Assertions.assertThat;

import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.ir.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Any target will do: no code runs. */
class TilesTest {
  private static final Target TARGET = new Target(Tier.AVX512, true, false);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 16, 64})
  void eachRowMeetsEachPanelOnce(int threads) {
    try (var pool = new ComputePool(1)) {
      for (var layout :
          new PanelLayout[] {
            new IntegerFormat(new DType.Quantized(4, 32, false), TARGET),
            new FloatLayout(FloatFormat.BF16, TARGET)
          }) {
        for (int m : new int[] {1, 2, 6, 7, 16, 31, 50, 257}) {
          for (int panels : new int[] {1, 2, 3, 7, 40}) {
            for (int k : new int[] {0, 1, 97, 2048, 65_536}) {
              int[][] met = new int[m][panels];
              new Tiles(m, panels, layout, k, threads)
                  .run(
                      pool,
                      (row, rows, panel, count) -> {
                        for (int r = row; r < row + rows; r++) {
                          for (int p = panel; p < panel + count; p++) {
                            met[r][p]++;
                          }
                        }
                      });
              for (int[] row : met) {
                assertThat(row).as("%s m=%d panels=%d k=%d", layout, m, panels, k).containsOnly(1);
              }
            }
          }
        }
      }
    }
  }
}
