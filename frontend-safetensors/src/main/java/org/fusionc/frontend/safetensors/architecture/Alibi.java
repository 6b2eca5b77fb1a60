package org.fusionc.frontend.safetensors.architecture;

import java.util.ArrayList;
import java.util.List;

/**
 * The slopes of attention with linear biases, one per head (Press et al. 2021, arXiv:2108.12409).
 */
enum Alibi {
  NONE,
  /**
   * 2^(-8/n), 2^(-16/n), … for the greatest power of two n of at most the heads, then every second
   * slope of 2n heads.
   */
  GEOMETRIC,
  /** Those of the next power of two: every second from the second on, then the others. */
  MOSAIC;

  List<Double> slopes(int heads) {
    return switch (this) {
      case NONE -> List.of();
      case GEOMETRIC -> geometric(heads);
      case MOSAIC -> mosaic(heads);
    };
  }

  private static List<Double> geometric(int heads) {
    int power = Integer.highestOneBit(heads);
    var slopes = new ArrayList<Double>();
    for (int i = 1; i <= power; i++) {
      slopes.add(slope(i, power));
    }
    for (int i = 1; slopes.size() < heads; i += 2) {
      slopes.add(slope(i, 2 * power));
    }
    return slopes;
  }

  private static List<Double> mosaic(int heads) {
    int power = Integer.highestOneBit(heads);
    if (power == heads) {
      return geometric(heads);
    }
    var slopes = new ArrayList<Double>();
    for (int i = 2; i <= 2 * power; i += 2) {
      slopes.add(slope(i, 2 * power));
    }
    for (int i = 1; i <= 2 * power; i += 2) {
      slopes.add(slope(i, 2 * power));
    }
    return slopes.subList(0, heads);
  }

  private static double slope(int i, int heads) {
    return Math.pow(2, -8.0 * i / heads);
  }
}
