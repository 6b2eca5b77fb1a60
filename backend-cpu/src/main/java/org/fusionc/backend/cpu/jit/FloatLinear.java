package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer with floating-point weights. Products are those of f32 activations, except for
 * bf16 weights on a target that multiplies pairs of bf16: there activations are rounded to bf16.
 */
public final class FloatLinear implements PackedLinear {
  private static final int ROWS_AT_ONCE = 1024;
  private static final int ROUNDED = 16;

  private final FloatLayout layout;
  private final MemorySegment weights;
  private final int n;
  private final int k;

  private FloatLinear(FloatLayout layout, MemorySegment weights, int n, int k) {
    this.layout = layout;
    this.weights = weights;
    this.n = n;
    this.k = k;
  }

  /**
   * Packs weights.
   *
   * @param weights [n, k] in {@code format}
   * @param arena where the packed ones are kept
   * @throws IllegalArgumentException if the segment is too small
   */
  public static FloatLinear pack(
      ComputePool pool,
      MemorySegment weights,
      FloatFormat format,
      int n,
      int k,
      Target target,
      Arena arena) {
    var layout = new FloatLayout(format, target);
    long needed = (long) n * k * format.bytes();
    if (weights.byteSize() < needed) {
      throw new IllegalArgumentException(
          "w needs " + needed + " bytes, but its segment has " + weights.byteSize());
    }
    var packed = arena.allocate(Math.max(64, layout.blockBytes(k) * layout.blocks(n)), 64);
    FloatPacking.run(pool, layout, weights, packed, n, k);
    return new FloatLinear(layout, packed, n, k);
  }

  @Override
  public long bytes() {
    return weights.byteSize();
  }

  @Override
  public void run(
      ComputePool pool, MemorySegment x, @Nullable MemorySegment bias, MemorySegment y, int m) {
    Linears.check("x", x, (long) m * k);
    Linears.check("y", y, (long) m * n);
    if (bias != null) {
      Linears.check("bias", bias, n);
    }
    if (m == 0 || n == 0) {
      return;
    }
    long b = bias == null ? 0 : bias.address();
    for (int first = 0; first < m; first += ROWS_AT_ONCE) {
      int rows = Math.min(ROWS_AT_ONCE, m - first);
      long from = x.address() + (long) first * k * Float.BYTES;
      rows(pool, from, b, y.address() + (long) first * n * Float.BYTES, rows);
    }
  }

  private void rows(ComputePool pool, long x, long bias, long y, int m) {
    long rowBytes = rowBytes();
    long rows = isReadAsItIs() ? x : Scratch.reserveShared(m * rowBytes);
    if (rows != x) {
      pool.parallelFor(m, 8, (from, to) -> convert(x, (int) from, (int) to, rows));
    }
    var tiles = new Tiles(m, layout.blocks(n), layout.blockBytes(k), layout, pool.threads());
    pool.parallelFor(
        tiles.tasks(),
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            tiles.run(
                task,
                (row, count, block, blocks) -> tile(rows, bias, y, row, count, block, blocks));
          }
        });
  }

  private boolean isReadAsItIs() {
    return !layout.dotsHalves() && k == FloatLayout.padded(k);
  }

  /** Bytes of a row of activations as the kernel reads it. */
  private long rowBytes() {
    return layout.dotsHalves()
        ? Math.ceilDiv(k, ROUNDED) * (long) ROUNDED * Short.BYTES
        : (long) FloatLayout.padded(k) * Float.BYTES;
  }

  private void convert(long x, int from, int to, long rows) {
    for (int row = from; row < to; row++) {
      long source = x + (long) row * k * Float.BYTES;
      long target = rows + row * rowBytes();
      if (!layout.dotsHalves()) {
        Linears.copyPadded(source, k, target, FloatLayout.padded(k));
        continue;
      }
      var kernel = Kernels.of(new HalfRounder(layout.target()));
      int whole = k / ROUNDED;
      if (whole > 0) {
        HalfRounder.run(kernel, source, target, whole);
      }
      int rest = k - whole * ROUNDED;
      if (rest > 0) {
        long padded = Scratch.reserve(ROUNDED * (long) Float.BYTES);
        Linears.copyPadded(source + (long) whole * ROUNDED * Float.BYTES, rest, padded, ROUNDED);
        HalfRounder.run(kernel, padded, target + (long) whole * ROUNDED * Short.BYTES, 1);
      }
    }
  }

  private void tile(long x, long bias, long y, int row, int rows, int block, int blocks) {
    var kernel = Kernels.of(new FloatTile(layout, rows, blocks));
    int column = block * layout.target().lanes();
    int columns = blocks * layout.target().lanes();
    boolean whole = column + columns <= n;
    long target = y + ((long) row * n + column) * Float.BYTES;
    long targetBytes = (long) n * Float.BYTES;
    if (!whole) {
      targetBytes = (long) columns * Float.BYTES;
      target = Scratch.reserve(rows * targetBytes);
    }
    IntegerTile.run(
        kernel,
        x + row * rowBytes(),
        rowBytes(),
        weights.address() + block * layout.blockBytes(k),
        layout.blockBytes(k),
        FloatLayout.padded(k) / FloatLayout.STEP,
        target,
        targetBytes,
        bias == 0 || !whole ? 0 : bias + (long) column * Float.BYTES);
    if (!whole) {
      Linears.copyTile(target, rows, columns, bias, y, row, column, n);
    }
  }
}
