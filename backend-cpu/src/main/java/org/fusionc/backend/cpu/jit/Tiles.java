package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Cuts a product of rows by panels of weights into tasks.
 *
 * <p>A task is some panels, so that each can be asked for while the one before is worked on, by so
 * many rows as stay in the second-level cache beside them: all of them, if they are few. Tasks of
 * the same panels follow each other.
 */
final class Tiles {

  /** Computes a stretch: some rows by some panels. */
  interface Body {
    void run(int row, int rows, int panel, int panels);
  }

  /** Bytes of rows that a task goes over again for each tile's columns: half of a cache. */
  private static final long CACHED = 512 * 1024;

  /**
   * Bytes of weights that a task reads, or half of what it does if each panel stands for another as
   * well: a stream has to be long, or two threads take hardly more of the memory's bandwidth than
   * one.
   */
  private static final long STREAMED = 1 << 20;

  /** Tasks of each thread, at least, if there are so many: they even out what one lags behind. */
  private static final int OF_THREAD = 4;

  private final int m;
  private final int panels;
  private final int taskPanels;
  private final int taskRows;
  private final int rowTasks;

  /**
   * @param m at least 1
   * @param panels at least 1
   * @param layout of the panels; each may stand for some more that a task does with it
   * @param least how many tasks there are to be at least, if there can be so many
   */
  Tiles(int m, int panels, PanelLayout layout, int k, int least) {
    this.m = m;
    this.panels = panels;
    int tile = even(m, layout.mostRows());
    int tiles = Math.ceilDiv(m, tile);
    // With few panels rows are shared out, too.
    long parts = Math.clamp(least / panels, 1, tiles);
    long cached = Math.max(1, CACHED / Math.max(1, tile * layout.rowBytes(k)));
    taskRows = Math.min(m, tile * even(tiles, (int) Math.min(cached, tiles / parts)));
    rowTasks = Math.ceilDiv(m, taskRows);
    long streamed = Math.max(1, STREAMED / Math.max(1, layout.panelBytes(k)));
    long shared = Math.max(1, (long) panels * rowTasks / least);
    taskPanels = even(panels, (int) Math.min(streamed, shared));
  }

  /** How many at a time, so that they are about as many each time, where {@code most} fit. */
  static int even(int all, int most) {
    return Math.ceilDiv(all, Math.ceilDiv(all, most));
  }

  /** How many tasks keep a pool's threads busy to the end. */
  static int tasks(ComputePool pool) {
    return OF_THREAD * pool.threads();
  }

  /** How many tasks there are. */
  long tasks() {
    return (long) Math.ceilDiv(panels, taskPanels) * rowTasks;
  }

  /** Runs all tasks. */
  void run(ComputePool pool, Body body) {
    pool.parallelFor(
        tasks(),
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            run(task, body);
          }
        });
  }

  /** Runs one task. */
  void run(long task, Body body) {
    int panel = (int) (task / rowTasks) * taskPanels;
    int row = (int) (task % rowTasks) * taskRows;
    body.run(row, Math.min(taskRows, m - row), panel, Math.min(taskPanels, panels - panel));
  }
}
