package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.jit.TileCode.Ahead;
import org.fusionc.backend.cpu.jit.TileCode.Along;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.x86.MachineCode;

/**
 * A product of rows by panels of weights, and where its operands lie: cuts what it is asked for
 * into tiles.
 *
 * @param weights panels of {@code layout}, [n, k]
 * @param x rows as the layout wants them
 * @param bias f32 [n]; 0 if there is none
 * @param y f32, where the result's row 0 and column 0 would lie
 * @param yBytes how far apart the result's rows are
 */
record Product(
    PanelLayout layout, long weights, int n, int k, long x, long bias, long y, long yBytes) {

  /** No panel. */
  static final int NONE = -1;

  /** The same product, but its result lies there. */
  Product into(long y, long yBytes) {
    return new Product(layout, weights, n, k, x, bias, y, yBytes);
  }

  /** Some rows by some panels. */
  void panels(int row, int rows, int panel, int panels) {
    if (isStream(rows)) {
      stream(row, rows, panel, panels);
      return;
    }
    int end = panel + panels;
    for (int p = panel; p < end; p++) {
      panel(row, rows, p, p == panel, p + 1 < end ? p + 1 : NONE);
    }
  }

  /** Whether the rows are a single tile, as wide as a panel. */
  boolean isStream(int rows) {
    return rows <= layout.mostRows() && layout.blocksFor(rows) == PanelLayout.BLOCKS;
  }

  /** One tile's rows by panels that are read in one go. */
  void stream(int row, int rows, int panel, int panels) {
    var kernel = Kernels.of(layout.kernel(rows, Along.PANELS, Ahead.STREAM));
    int whole = Math.min(panels, n / layout.channels() - panel);
    if (whole > 0) {
      tiles(kernel, row, panel * PanelLayout.BLOCKS, whole, 0);
    }
    if (whole < panels) {
      edge(kernel, row, rows, (panel + whole) * PanelLayout.BLOCKS, 0);
    }
  }

  /**
   * Some rows by one panel.
   *
   * @param cold whether it comes from memory
   * @param then the panel that comes next, or {@link #NONE}
   */
  void panel(int row, int rows, int panel, boolean cold, int then) {
    int tileRows = Tiles.even(rows, layout.mostRows());
    int tiles = rows / tileRows;
    int rest = rows - tiles * tileRows;
    int passes = tiles * passes(tileRows) + (rest > 0 ? passes(rest) : 0);
    var next = new NextPanel(then, then == NONE ? 0 : passes);
    int first = panel * PanelLayout.BLOCKS;
    for (int b = 0; b < PanelLayout.BLOCKS; b += layout.blocksFor(tileRows)) {
      column(row, tileRows, tiles, first + b, cold, next);
    }
    for (int b = 0; rest > 0 && b < PanelLayout.BLOCKS; b += layout.blocksFor(rest)) {
      column(row + tiles * tileRows, rest, 1, first + b, false, next);
    }
  }

  /** Tiles of so many rows side by side in a panel. */
  private int passes(int rows) {
    return PanelLayout.BLOCKS / layout.blocksFor(rows);
  }

  /**
   * A panel is brought in from memory by the tiles of the one before it, which share this out: so
   * the memory is busy while the cores are. Only a task's first panel is waited for.
   */
  private final class NextPanel {
    private final int lines;
    private int asking;
    private long at;

    /**
     * @param passes tiles that there are to ask for it; 0 if nobody needs it
     */
    NextPanel(int panel, int passes) {
      int all = layout.stepBytes() / TileCode.LINE;
      lines = Math.ceilDiv(all, Math.max(1, passes));
      asking = passes == 0 ? 0 : Math.ceilDiv(all, lines);
      at = weights + panel * layout.panelBytes(k);
    }

    /** Runs tiles below each other, as many as are to ask in the same way; says how many. */
    int below(int row, int tileRows, int block, int tiles, boolean cold) {
      boolean asks = asking > 0;
      int asked = Math.min(asking, tiles);
      int run = cold ? 1 : asks ? asked : tiles;
      var ahead = new Ahead(cold, asks ? lines : 0);
      Product.this.below(row, tileRows, block, run, ahead, at);
      if (asks) {
        asking -= run;
        at += (long) run * lines * TileCode.LINE * layout.steps(k);
      }
      return run;
    }
  }

  /** Tiles below each other; the first asks for its own weights, too, if they are {@code cold}. */
  private void column(int row, int tileRows, int tiles, int block, boolean cold, NextPanel next) {
    int done = cold ? next.below(row, tileRows, block, 1, true) : 0;
    while (done < tiles) {
      done += next.below(row + done * tileRows, tileRows, block, tiles - done, false);
    }
  }

  /** Tiles below each other. */
  private void below(int row, int rows, int block, int tiles, Ahead ahead, long next) {
    int lanes = layout.target().lanes();
    if (block * lanes >= n) {
      return;
    }
    var kernel = Kernels.of(layout.kernel(rows, Along.ROWS, ahead));
    if ((block + layout.blocksFor(rows)) * lanes <= n) {
      tiles(kernel, row, block, tiles, next);
      return;
    }
    for (int tile = 0; tile < tiles; tile++) {
      edge(kernel, row + tile * rows, rows, block, next);
    }
  }

  private void tiles(MachineCode kernel, int row, int block, int tiles, long next) {
    long columnBytes = (long) block * layout.target().vector();
    long at = y + row * yBytes + columnBytes;
    call(kernel, row, block, at, yBytes, bias == 0 ? 0 : bias + columnBytes, tiles, next);
  }

  /** A tile with columns that are not there. */
  private void edge(MachineCode kernel, int row, int rows, int block, long next) {
    int columns = layout.blocksFor(rows) * layout.target().lanes();
    long rowBytes = (long) columns * Float.BYTES;
    long tile = Scratch.reserve(rows * rowBytes);
    call(kernel, row, block, tile, rowBytes, 0, 1, next);
    int column = block * layout.target().lanes();
    RaggedEdges.copyTile(tile, rows, columns, bias, y + row * yBytes, yBytes, column, n);
  }

  private void call(
      MachineCode kernel,
      int row,
      int block,
      long to,
      long toBytes,
      long from,
      int tiles,
      long next) {
    long rowBytes = layout.rowBytes(k);
    long w =
        weights
            + block / PanelLayout.BLOCKS * layout.panelBytes(k)
            + layout.offset(block % PanelLayout.BLOCKS);
    TileCode.run(
        kernel, x + row * rowBytes, rowBytes, w, layout.steps(k), to, toBytes, from, tiles, next);
  }
}
