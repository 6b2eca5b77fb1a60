package org.fusionc.backend.cpu.kernel;

/** Packs whole groups of a row, as {@link QuantizedRows} does but faster. */
@FunctionalInterface
public interface GroupPacking {
  /**
   * Packs, if all numbers are finite; if not, what it has written is of no use.
   *
   * @param x address of f32, whole groups
   * @param integers where the row's integers go
   * @param scales where the row's f16 scales go
   * @param minima where the row's f16 minima go; unused if there are none
   * @return whether all numbers are finite
   */
  boolean run(long x, long groups, long integers, long scales, long minima);
}
