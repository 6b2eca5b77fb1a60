package org.fusionc.backend.cpu.jit;

/**
 * Cuts a product of rows by panels of weights into tasks.
 *
 * <p>With the rows of a tile a task is some panels, a long stream from memory; with those of a few
 * tiles as well, so that a panel can be asked for while the one before is worked on, if there are
 * enough panels for all threads. With many rows it is one panel by so many rows as stay in the
 * second-level cache beside it; tasks of one panel follow each other.
 */
final class Tiles {

  /** Computes a stretch: some rows by some panels. */
  interface Body {
    void run(int row, int rows, int panel, int panels);
  }

  /** Bytes of rows that a task goes over again for each tile's columns. */
  private static final long CACHED = 384 * 1024;

  /**
   * Bytes of weights that a task with few rows reads: a stream has to be long, or two threads take
   * hardly more of the memory's bandwidth than one.
   */
  private static final long STREAMED = 1 << 20;

  /** With more rows it is the cores that are busy, and not the memory. */
  private static final int FEW_TILES = 6;

  /** Bytes of it that are used. */
  private static final long SECOND_LEVEL = 896 * 1024;

  private final int m;
  private final int panels;
  private final int taskPanels;
  private final int taskRows;
  private final int rowTasks;

  Tiles(int m, int panels, PanelLayout layout, int k, int threads) {
    this.m = m;
    this.panels = panels;
    int most = layout.mostRows();
    int streamed = streamed(layout, k, threads);
    if (m <= most || (streamed > 1 && isShared(layout, k))) {
      taskPanels = streamed;
      taskRows = m;
    } else {
      taskPanels = 1;
      int tile = even(m, most);
      long fit = Math.max(1, CACHED / Math.max(1, tile * layout.rowBytes(k)));
      // Few panels: rows are shared out, too.
      long parts = Math.ceilDiv(4L * threads, panels);
      long even = Math.max(1, Math.ceilDiv(m, tile) / parts);
      taskRows = (int) Math.min(m, tile * Math.min(fit, even));
    }
    rowTasks = Math.ceilDiv(m, taskRows);
  }

  /** Whether all rows stay in the second-level cache beside a panel and the one after it. */
  private boolean isShared(PanelLayout layout, int k) {
    return m * layout.rowBytes(k) + 2 * layout.panelBytes(k) <= SECOND_LEVEL
        && m <= FEW_TILES * layout.mostRows();
  }

  /** Panels that a task reads as one stream. */
  private int streamed(PanelLayout layout, int k, int threads) {
    // Two tasks at least for each thread even out what one of them lags behind.
    long even = Math.max(1, panels / (2L * threads));
    long fit = Math.max(1, STREAMED / Math.max(1, layout.panelBytes(k)));
    return (int) Math.min(fit, even);
  }

  /** The rows of each tile, so that they are about even, where at most {@code most} fit. */
  static int even(int rows, int most) {
    return Math.ceilDiv(rows, Math.ceilDiv(rows, most));
  }

  long tasks() {
    return (long) Math.ceilDiv(panels, taskPanels) * rowTasks;
  }

  void run(long task, Body body) {
    int panel = (int) (task / rowTasks) * taskPanels;
    int row = (int) (task % rowTasks) * taskRows;
    body.run(row, Math.min(taskRows, m - row), panel, Math.min(taskPanels, panels - panel));
  }
}
