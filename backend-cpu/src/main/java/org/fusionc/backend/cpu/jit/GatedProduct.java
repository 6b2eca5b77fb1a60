package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.x86.MachineCode;

/**
 * Some rows by some panels of gates and as many of what they gate, which lies {@code half} channels
 * farther on: both are computed into memory that stays in a cache, and gated from there.
 */
final class GatedProduct implements Tiles.Body {
  private final Product product;
  private final ActivationRow gate;
  private final MachineCode kernel;
  private final int channels;
  private final int half;

  /**
   * @param product whose result is f32 [m, half]
   * @param half whole panels
   */
  GatedProduct(Product product, ActivationRow gate, int half) {
    this.product = product;
    this.gate = gate;
    this.half = half;
    kernel = Kernels.of(gate);
    channels = product.layout().channels();
  }

  @Override
  public void run(int row, int rows, int panel, int panels) {
    boolean isStream = product.isStream(rows);
    int together = isStream ? panels : 1;
    int end = panel + panels;
    for (int p = panel; p < end; p += together) {
      long rowBytes = (long) together * channels * Float.BYTES;
      long gates = Scratch.reserve(2 * rows * rowBytes);
      long ups = gates + rows * rowBytes;
      int up = half / channels + p;
      var first = into(gates, row, p, rowBytes);
      var second = into(ups, row, up, rowBytes);
      if (isStream) {
        first.stream(row, rows, p, panels);
        second.stream(row, rows, up, panels);
      } else {
        first.panel(row, rows, p, p == panel, up);
        second.panel(row, rows, up, false, p + 1 < end ? p + 1 : -1);
      }
      long to = product.y() + row * product.yBytes() + (long) p * channels * Float.BYTES;
      for (int r = 0; r < rows; r++) {
        long at = r * rowBytes;
        gate.run(
            kernel, gates + at, ups + at, to + r * product.yBytes(), (long) together * channels);
      }
    }
  }

  /** The product with what it computes from a row and a panel on at an address. */
  private Product into(long address, int row, int panel, long rowBytes) {
    return product.into(address - row * rowBytes - (long) panel * channels * Float.BYTES, rowBytes);
  }
}
