package org.fusionc.backend.cpu.jit;

/**
 * How a matrix of weights is kept for a target, and rows of activations to go with it.
 *
 * <p><b>Weights.</b> A block is as many output channels as a vector has 32-bit lanes; a panel is
 * {@link #BLOCKS} blocks. Along k a panel is a sequence of steps, each with all that the step needs
 * of its blocks: so one row reads the whole matrix as a single stream, and a tile has one pointer
 * into it.
 *
 * <p><b>Activations.</b> A row is a sequence of steps, too.
 */
interface PanelLayout {
  /** Blocks of a panel. */
  int BLOCKS = 4;

  Target target();

  /** Steps along k. */
  int steps(int k);

  /** Bytes of a step of a panel. */
  int stepBytes();

  /** Bytes of a step of a row. */
  int rowStepBytes();

  /** Where a block of a panel begins in a step, in bytes; for an even block. */
  int offset(int block);

  /** How far apart rows of activations are, in bytes. */
  long rowBytes(int k);

  /** Rows in the largest tile. */
  int mostRows();

  /** How many blocks a tile of so many rows takes, as far as registers go: 2 or 4. */
  int blocksFor(int rows);

  /** The kernel that computes tiles of so many rows. */
  Kernels.Description kernel(int rows, TileCode.Along along, TileCode.Ahead ahead);

  /** Output channels of a panel. */
  default int channels() {
    return channels(target());
  }

  /** Output channels of a panel for a target. */
  static int channels(Target target) {
    return BLOCKS * target.lanes();
  }

  /** Panels of {@code n} output channels; the last one may be filled up. */
  default int panels(int n) {
    return Math.ceilDiv(n, channels());
  }

  /** Bytes of a panel. */
  default long panelBytes(int k) {
    return (long) steps(k) * stepBytes();
  }

  /** Bytes of a matrix [n, k]. */
  default long bytes(int n, int k) {
    return panelBytes(k) * panels(n);
  }
}
