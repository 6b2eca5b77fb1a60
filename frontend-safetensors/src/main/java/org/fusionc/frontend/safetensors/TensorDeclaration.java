package org.fusionc.frontend.safetensors;

import java.util.List;

/**
 * A tensor that is to be written.
 *
 * @param shape outermost dimension first; empty for a scalar
 */
public record TensorDeclaration(String name, StoredDtype dtype, List<Long> shape) {

  /**
   * @throws IllegalArgumentException if the shape has a negative dimension or takes no whole number
   *     of bytes
   */
  public TensorDeclaration {
    shape = List.copyOf(shape);
    if (shape.stream().anyMatch(dimension -> dimension < 0) || dtype.byteLength(shape).isEmpty()) {
      throw new IllegalArgumentException(name + " cannot be " + dtype + shape);
    }
  }

  /** In bytes. */
  public long length() {
    return dtype.byteLength(shape).orElseThrow();
  }
}
