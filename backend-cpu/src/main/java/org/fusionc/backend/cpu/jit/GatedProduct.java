package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.kernel.Scratch;

/**
 * Some rows by some panels of gates and as many of what they gate, which lies {@code half} channels
 * farther on: both are computed into working memory, and gated from there while a cache has them.
 */
final class GatedProduct implements Tiles.Body {
  private final Product product;
  private final GatedUnits units;
  private final int channels;
  private final int upPanel;

  /**
   * @param product whose result is f32 [m, half]
   * @param half channels of a half, a multiple of a panel's
   */
  GatedProduct(Product product, GatedUnits units, int half) {
    this.product = product;
    this.units = units;
    channels = product.layout().channels();
    upPanel = half / channels;
  }

  @Override
  public void run(int row, int rows, int panel, int panels) {
    if (product.isStream(rows)) {
      var both = new Halves(row, rows, panel, panels);
      both.gates().stream(row, rows, panel, panels);
      both.ups().stream(row, rows, upPanel + panel, panels);
      both.gate();
      return;
    }
    int end = panel + panels;
    for (int p = panel; p < end; p++) {
      var both = new Halves(row, rows, p, 1);
      both.gates().panel(row, rows, p, p == panel, upPanel + p);
      both.ups().panel(row, rows, upPanel + p, false, p + 1 < end ? p + 1 : Product.NONE);
      both.gate();
    }
  }

  /** Working memory for some panels of gates and as many of what they gate. */
  private final class Halves {
    private final int row;
    private final int rows;
    private final int panel;
    private final long rowBytes;
    private final long memory;

    Halves(int row, int rows, int panel, int panels) {
      this.row = row;
      this.rows = rows;
      this.panel = panel;
      rowBytes = (long) panels * channels * Float.BYTES;
      // Nothing below reserves any itself: panels are whole, and so are the vectors of a row.
      memory = Scratch.reserve(2L * rows * rowBytes);
    }

    Product gates() {
      return into(memory, panel);
    }

    Product ups() {
      return into(memory + rows * rowBytes, upPanel + panel);
    }

    private Product into(long address, int panel) {
      long column = (long) panel * channels * Float.BYTES;
      return product.into(address - row * rowBytes - column, rowBytes);
    }

    void gate() {
      long column = (long) panel * channels * Float.BYTES;
      long ups = rows * rowBytes;
      for (int r = 0; r < rows; r++) {
        long from = memory + r * rowBytes;
        long to = product.y() + (row + r) * product.yBytes() + column;
        units.run(from, from + ups, to, rowBytes / Float.BYTES);
      }
    }
  }
}
