package org.fusionc.backend.cpu.kernel;

import org.fusionc.backend.cpu.parallel.RangeTask;

/**
 * Several rows of x against the weights: a task is a block of outputs by a block of rows.
 *
 * <p>A task goes along k in pieces. It converts the piece of its weights to f32, packed and padded
 * with zeros to whole vectors, which then stays in the second-level cache while tiles of four rows
 * by four outputs pass over it. Between pieces the accumulators of a tile, whole vectors still,
 * wait in memory, so cutting k changes no bit.
 */
final class Gemm implements RangeTask {

  private static final long TILE_BYTES = (long) GemmTile.ROWS * GemmTile.COLUMNS * Lanes.BYTES;

  /** Along k: a panel of x and one of weights of this length fit the first-level cache. */
  private static final int DEPTH = 1024;

  private static final int BLOCK_N = 128;
  private static final int BLOCK_M = 96;

  private final long x;
  private final WeightMatrix w;
  private final long bias;
  private final long y;
  private final int m;
  private final int n;
  private final int k;
  private final int blockM;
  private final int blockN;
  private final int blocksM;
  private final int depth;

  Gemm(long x, WeightMatrix w, long bias, long y, int m, int n, int k, int threads) {
    this.x = x;
    this.w = w;
    this.bias = bias;
    this.y = y;
    this.m = m;
    this.n = n;
    this.k = k;
    if (m <= 16) {
      // Few rows: the weights are the traffic, so read longer pieces of fewer of them.
      depth = Math.max(Lanes.COUNT, Math.min(Lanes.roundUp(k), 4 * DEPTH));
      blockN = 16;
      blockM = 16;
    } else {
      depth = Math.max(Lanes.COUNT, Math.min(Lanes.roundUp(k), DEPTH));
      blockN = n < BLOCK_N * threads ? 16 : BLOCK_N;
      blockM = BLOCK_M;
    }
    blocksM = (m + blockM - 1) / blockM;
  }

  long tasks() {
    return (long) blocksM * ((n + blockN - 1) / blockN);
  }

  @Override
  public void run(long from, long to) {
    for (long task = from; task < to; task++) {
      int n0 = (int) (task / blocksM) * blockN;
      int m0 = (int) (task % blocksM) * blockM;
      block(m0, Math.min(m, m0 + blockM), n0, Math.min(n, n0 + blockN));
    }
  }

  private void block(int m0, int m1, int n0, int n1) {
    int steps = depth / Lanes.COUNT;
    long panelOfW = (long) steps * GemmTile.COLUMNS * Lanes.BYTES;
    long panels = Scratch.reserve(panelsOfW() * panelOfW + panelOfX() + accumulatorBytes());
    long panelOfX = panels + panelsOfW() * panelOfW;
    long accumulators = panelOfX + panelOfX();
    int pieces = Math.max(1, (k + depth - 1) / depth);
    for (int piece = 0; piece < pieces; piece++) {
      int k0 = piece * depth;
      int length = Math.min(depth, k - k0);
      for (int column = n0; column < n1; column += GemmTile.COLUMNS) {
        w.panel(
            column,
            Math.min(GemmTile.COLUMNS, n1 - column),
            GemmTile.COLUMNS,
            k0,
            length,
            panels + (column - n0) / GemmTile.COLUMNS * panelOfW);
      }
      for (int row = m0; row < m1; row += GemmTile.ROWS) {
        int rows = Math.min(GemmTile.ROWS, m1 - row);
        Packing.panel(
            x + ((long) row * k + k0) * Float.BYTES,
            FloatFormat.F32,
            k,
            rows,
            GemmTile.slots(rows),
            length,
            panelOfX);
        long saved = accumulators + (pieces == 1 ? 0 : (row - m0) / GemmTile.ROWS * savedBytes());
        for (int column = n0; column < n1; column += GemmTile.COLUMNS) {
          int index = (column - n0) / GemmTile.COLUMNS;
          long tile = saved + (pieces == 1 ? 0 : index * TILE_BYTES);
          if (piece == 0) {
            GemmTile.clear(tile);
          }
          int vectors = Lanes.roundUp(length) / Lanes.COUNT;
          GemmTile.run(panelOfX, rows, panels + index * panelOfW, vectors, tile);
          if (piece == pieces - 1) {
            finish(tile, row, rows, column, Math.min(GemmTile.COLUMNS, n1 - column));
          }
        }
      }
    }
  }

  private void finish(long tile, int row, int rows, int column, int columns) {
    long out = y + ((long) row * n + column) * Float.BYTES;
    long addend = bias == 0 ? 0 : bias + (long) column * Float.BYTES;
    for (int r = 0; r < rows; r++) {
      long sums = tile + (long) r * GemmTile.COLUMNS * Lanes.BYTES;
      LaneSums.four(sums, addend, out + (long) r * n * Float.BYTES, columns);
    }
  }

  private long panelsOfW() {
    return ((long) blockN + GemmTile.COLUMNS - 1) / GemmTile.COLUMNS;
  }

  private long panelOfX() {
    return (long) GemmTile.ROWS * depth * Float.BYTES;
  }

  /** Accumulators of four rows of the block. */
  private long savedBytes() {
    return panelsOfW() * TILE_BYTES;
  }

  private long accumulatorBytes() {
    return k <= depth
        ? TILE_BYTES
        : ((long) blockM + GemmTile.ROWS - 1) / GemmTile.ROWS * savedBytes();
  }
}
