package org.fusionc.frontend.safetensors;

import java.util.List;

/**
 * A tensor in a safetensors file: row-major, little-endian, contiguous.
 *
 * @param shape outermost dimension first; empty for a scalar
 * @param file the name of the file, without its directory
 * @param offset of the first byte from the start of the file; not necessarily a multiple of the
 *     element's size
 * @param length in bytes
 */
public record StoredTensor(
    String name, StoredDtype dtype, List<Long> shape, String file, long offset, long length) {

  public StoredTensor {
    shape = List.copyOf(shape);
  }

  /** The offset after the last byte. */
  public long end() {
    return offset + length;
  }
}
