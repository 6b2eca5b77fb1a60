package org.fusionc.backend.cpu.jit;

/**
 * Cuts a product of rows by blocks of weights into tasks, and tasks into tiles.
 *
 * <p>A task is some blocks by some rows. Its weights stay in the second-level cache while the rows
 * pass over them, a few at a time, which stay in the first. With few rows the weights are read
 * once, from memory, several blocks at a time.
 */
final class Tiles {

  /** Computes one tile. */
  interface Body {
    void run(int row, int rows, int block, int blocks);
  }

  /** Which tiles there are kernels for. */
  interface Shape {
    /** Rows in the largest tile. */
    int mostRows();

    /** How many blocks a tile of so many rows takes, as far as registers go. */
    int blocksFor(int rows);
  }

  /** Weights of a task that come back for other rows. */
  private static final long CACHED = 384 * 1024;

  /** Weights of a task that are read once: long streams, yet enough tasks. */
  private static final long STREAMED = 128 * 1024;

  private final int m;
  private final int blocks;
  private final int tileRows;
  private final int tileBlocks;
  private final int taskBlocks;
  private final int taskRows;
  private final int rowTasks;

  Tiles(int m, int blocks, long blockBytes, Shape shape, int threads) {
    this.m = m;
    this.blocks = blocks;
    int most = shape.mostRows();
    int count = Math.ceilDiv(m, most);
    tileRows = Math.ceilDiv(m, count);
    tileBlocks = shape.blocksFor(tileRows);
    long wanted = m <= most ? STREAMED : CACHED;
    long fit = Math.max(1, wanted / blockBytes);
    // Eight tasks for each thread even out what one of them lags behind.
    long even = Math.max(1, blocks / (8L * threads));
    int per = (int) Math.min(fit, Math.max(even, 1));
    taskBlocks = Math.ceilDiv(per, tileBlocks) * tileBlocks;
    int columnTasks = Math.ceilDiv(blocks, taskBlocks);
    int parts = columnTasks >= 4 * threads ? 1 : Math.ceilDiv(4 * threads, columnTasks);
    taskRows = Math.ceilDiv(count, Math.min(parts, count)) * tileRows;
    rowTasks = Math.ceilDiv(m, taskRows);
  }

  long tasks() {
    return (long) Math.ceilDiv(blocks, taskBlocks) * rowTasks;
  }

  void run(long task, Body body) {
    int block0 = (int) (task / rowTasks) * taskBlocks;
    int row0 = (int) (task % rowTasks) * taskRows;
    int blockEnd = Math.min(blocks, block0 + taskBlocks);
    int rowEnd = Math.min(m, row0 + taskRows);
    for (int row = row0; row < rowEnd; row += tileRows) {
      int rows = Math.min(tileRows, rowEnd - row);
      for (int block = block0; block < blockEnd; block += tileBlocks) {
        body.run(row, rows, block, Math.min(tileBlocks, blockEnd - block));
      }
    }
  }
}
