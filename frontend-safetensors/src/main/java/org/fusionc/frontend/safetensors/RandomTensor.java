package org.fusionc.frontend.safetensors;

import java.util.List;

/**
 * A tensor of a checkpoint with random weights.
 *
 * @param shape outermost dimension first
 */
public record RandomTensor(String name, List<Long> shape, Fill fill) {

  /** What a tensor is filled with. */
  public enum Fill {
    /** Normally distributed around 0 with the config's {@code initializer_range}. */
    NORMAL,
    /** Ones, as norms' weights start with. */
    ONES,
    /** Zeros, as biases start with, and norms' weights where the family adds 1 to them. */
    ZEROS
  }

  public RandomTensor {
    shape = List.copyOf(shape);
  }
}
