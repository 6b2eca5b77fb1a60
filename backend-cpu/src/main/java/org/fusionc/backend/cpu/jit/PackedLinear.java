package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.jit.TileCode.Ahead;
import org.fusionc.backend.cpu.jit.TileCode.Along;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.jspecify.annotations.Nullable;

/** A linear layer whose weights are packed for a target. */
public abstract sealed class PackedLinear permits IntegerLinear, FloatLinear {
  /** Rows that are prepared at a time; more are done in turns. */
  private static final int ROWS_AT_ONCE = 1024;

  private final PanelLayout layout;
  private final MemorySegment weights;
  private final int n;
  final int k;

  /**
   * With packed weights.
   *
   * @param weights panels of {@code layout}
   */
  PackedLinear(PanelLayout layout, MemorySegment weights, int n, int k) {
    this.layout = layout;
    this.weights = weights;
    this.n = n;
    this.k = k;
  }

  /** The packed weights. */
  public final MemorySegment weights() {
    return weights;
  }

  /** Bytes of the packed weights. */
  public final long bytes() {
    return weights.byteSize();
  }

  /**
   * {@code y[i, j] = Σ_k x[i, k] · w[j, k] (+ bias[j])}. A row's result does not depend on the
   * other rows, to the bit.
   *
   * @param x f32 [m, k]
   * @param bias f32 [n], or null
   * @param y f32 [m, n], must not overlap the inputs
   * @throws IllegalArgumentException if a segment is too small
   */
  public final void run(
      ComputePool pool, MemorySegment x, @Nullable MemorySegment bias, MemorySegment y, int m) {
    Linears.check("x", x, (long) m * k);
    Linears.check("y", y, (long) m * n);
    if (bias != null) {
      Linears.check("bias", bias, n);
    }
    run(pool, x.address(), bias == null ? 0 : bias.address(), y.address(), m);
  }

  /** The same by addresses, unchecked; {@code bias} is 0 if there is none. */
  public final void run(ComputePool pool, long x, long bias, long y, int m) {
    if (n == 0) {
      return;
    }
    for (int first = 0; first < m; first += ROWS_AT_ONCE) {
      int rows = Math.min(ROWS_AT_ONCE, m - first);
      long from = x + (long) first * k * Float.BYTES;
      long to = y + (long) first * n * Float.BYTES;
      multiply(pool, prepared(pool, from, rows), bias, to, rows);
    }
  }

  /** Rows of f32 as the layout wants them, in scratch memory that is shared, or where they are. */
  abstract long prepared(ComputePool pool, long x, int m);

  private void multiply(ComputePool pool, long x, long bias, long y, int m) {
    var tiles = new Tiles(m, layout.panels(n), layout, k, pool.threads());
    pool.parallelFor(
        tiles.tasks(),
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            tiles.run(
                task, (row, rows, panel, panels) -> stretch(x, bias, y, row, rows, panel, panels));
          }
        });
  }

  /** Some rows by some panels. */
  private void stretch(long x, long bias, long y, int row, int rows, int panel, int panels) {
    int tileRows = Tiles.even(rows, layout.mostRows());
    if (tileRows == rows && layout.blocksFor(rows) == PanelLayout.BLOCKS) {
      stream(x, bias, y, row, rows, panel, panels);
      return;
    }
    int tiles = rows / tileRows;
    int rest = rows - tiles * tileRows;
    int passes = tiles * passes(tileRows) + (rest > 0 ? passes(rest) : 0);
    for (int p = panel; p < panel + panels; p++) {
      var next = new Next(p + 1, p + 1 < panel + panels ? passes : 0);
      for (int b = 0; b < PanelLayout.BLOCKS; b += layout.blocksFor(tileRows)) {
        int block = p * PanelLayout.BLOCKS + b;
        column(x, bias, y, row, tileRows, tiles, block, p == panel, next);
      }
      for (int b = 0; rest > 0 && b < PanelLayout.BLOCKS; b += layout.blocksFor(rest)) {
        int block = p * PanelLayout.BLOCKS + b;
        column(x, bias, y, row + tiles * tileRows, rest, 1, block, false, next);
      }
    }
  }

  /**
   * A panel is brought in from memory by the tiles of the one before it, which share this out: so
   * the memory is busy while the cores are. Only a task's first panel is waited for.
   */
  private final class Next {
    final int lines;
    int asking;
    long at;

    /**
     * @param passes tiles that there are to ask for it; 0 if nobody needs it
     */
    Next(int panel, int passes) {
      int all = layout.stepBytes() / TileCode.LINE;
      lines = Math.ceilDiv(all, Math.max(1, passes));
      asking = passes == 0 ? 0 : Math.ceilDiv(all, lines);
      at = weights.address() + panel * layout.panelBytes(k);
    }

    /** So many tiles have asked, if they were to. */
    void pass(int tiles) {
      int asked = Math.min(asking, tiles);
      asking -= asked;
      at += (long) asked * lines * TileCode.LINE * layout.steps(k);
    }
  }

  /** Tiles below each other; the first asks for its own weights, too, if they are {@code cold}. */
  private void column(
      long x,
      long bias,
      long y,
      int row,
      int tileRows,
      int tiles,
      int block,
      boolean cold,
      Next next) {
    int tile = 0;
    while (tile < tiles) {
      boolean own = cold && tile == 0;
      boolean asks = next.asking > 0;
      int run = own ? 1 : asks ? Math.min(next.asking, tiles - tile) : tiles - tile;
      var ahead = new Ahead(own, asks ? next.lines : 0);
      below(x, bias, y, row + tile * tileRows, tileRows, block, run, ahead, next.at);
      next.pass(run);
      tile += run;
    }
  }

  /** Tiles of so many rows side by side in a panel. */
  private int passes(int rows) {
    return PanelLayout.BLOCKS / layout.blocksFor(rows);
  }

  /** One tile's rows by panels that are read in one go. */
  private void stream(long x, long bias, long y, int row, int rows, int panel, int panels) {
    var kernel = Kernels.of(layout.kernel(rows, Along.PANELS, Ahead.STREAM));
    int whole = Math.min(panels, n / layout.channels() - panel);
    if (whole > 0) {
      tiles(kernel, x, bias, y, row, panel * PanelLayout.BLOCKS, whole, 0);
    }
    if (whole < panels) {
      edge(kernel, x, bias, y, row, rows, (panel + whole) * PanelLayout.BLOCKS, 0);
    }
  }

  /** Tiles below each other. */
  private void below(
      long x, long bias, long y, int row, int rows, int block, int tiles, Ahead ahead, long next) {
    int lanes = layout.target().lanes();
    if (block * lanes >= n) {
      return;
    }
    var kernel = Kernels.of(layout.kernel(rows, Along.ROWS, ahead));
    if ((block + layout.blocksFor(rows)) * lanes <= n) {
      tiles(kernel, x, bias, y, row, block, tiles, next);
      return;
    }
    for (int tile = 0; tile < tiles; tile++) {
      edge(kernel, x, bias, y, row + tile * rows, rows, block, next);
    }
  }

  private void tiles(
      MachineCode kernel, long x, long bias, long y, int row, int block, int tiles, long next) {
    int column = block * layout.target().lanes();
    long at = y + ((long) row * n + column) * Float.BYTES;
    long from = bias == 0 ? 0 : bias + (long) column * Float.BYTES;
    call(kernel, x, row, block, at, (long) n * Float.BYTES, from, tiles, next);
  }

  /** A tile with columns that are not there. */
  private void edge(
      MachineCode kernel, long x, long bias, long y, int row, int rows, int block, long next) {
    int columns = layout.blocksFor(rows) * layout.target().lanes();
    long rowBytes = (long) columns * Float.BYTES;
    long tile = Scratch.reserve(rows * rowBytes);
    call(kernel, x, row, block, tile, rowBytes, 0, 1, next);
    Linears.copyTile(tile, rows, columns, bias, y, row, block * layout.target().lanes(), n);
  }

  private void call(
      MachineCode kernel,
      long x,
      int row,
      int block,
      long y,
      long yBytes,
      long bias,
      int tiles,
      long next) {
    long panel = block / PanelLayout.BLOCKS * layout.panelBytes(k);
    long within = layout.offset(block % PanelLayout.BLOCKS);
    long rowBytes = layout.rowBytes(k);
    long w = weights.address() + panel + within;
    TileCode.run(
        kernel, x + row * rowBytes, rowBytes, w, layout.steps(k), y, yBytes, bias, tiles, next);
  }
}
