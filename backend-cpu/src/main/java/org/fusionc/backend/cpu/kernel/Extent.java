package org.fusionc.backend.cpu.kernel;

/** What an operand of an elementwise kernel over [rows, columns] spans; the rest is repeated. */
public enum Extent {
  /** [rows, columns]. */
  FULL,
  /** [columns]: the same row everywhere. */
  ROW,
  /** [rows]: one number per row. */
  COLUMN,
  /** One number. */
  SCALAR;

  long elements(long rows, long columns) {
    return switch (this) {
      case FULL -> Math.multiplyExact(rows, columns);
      case ROW -> columns;
      case COLUMN -> rows;
      case SCALAR -> 1;
    };
  }
}
