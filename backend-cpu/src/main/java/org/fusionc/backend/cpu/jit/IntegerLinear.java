package org.fusionc.backend.cpu.jit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.parallel.ComputePool;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.ir.DType;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer with quantised weights: activations are quantised too, and multiplied as bytes.
 */
public final class IntegerLinear implements PackedLinear {
  /** Quantised rows that are kept at a time; more are done in turns. */
  private static final int ROWS_AT_ONCE = 1024;

  /** How far ahead one row asks for weights: the best of what was tried, from none to 4 KiB. */
  private static final int AHEAD = 2048;

  private final IntegerFormat format;
  private final MemorySegment weights;
  private final int n;
  private final int k;

  private IntegerLinear(IntegerFormat format, MemorySegment weights, int n, int k) {
    this.format = format;
    this.weights = weights;
    this.n = n;
    this.k = k;
  }

  /**
   * Packs weights.
   *
   * @param weights {@code type} [n, k], in the form that artifacts keep
   * @param arena where the packed ones are kept
   * @throws IllegalArgumentException if the segment is too small
   */
  public static IntegerLinear pack(
      ComputePool pool,
      MemorySegment weights,
      DType.Quantized type,
      int n,
      int k,
      Target target,
      Arena arena) {
    var format = new IntegerFormat(type, target);
    long needed = IntegerPacking.sourceBytes(format, n, k);
    if (weights.byteSize() < needed) {
      throw new IllegalArgumentException(
          "w needs " + needed + " bytes, but its segment has " + weights.byteSize());
    }
    var packed = arena.allocate(Math.max(64, format.blockBytes(k) * format.blocks(n)), 64);
    IntegerPacking.run(pool, format, weights, packed, n, k);
    return new IntegerLinear(format, packed, n, k);
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
    long quantised = Scratch.reserveShared(m * format.rowBytes(k));
    pool.parallelFor(m, 4, (from, to) -> quantise(x, (int) from, (int) to, quantised));
    var tiles = new Tiles(m, format.blocks(n), format.blockBytes(k), format, pool.threads());
    pool.parallelFor(
        tiles.tasks(),
        1,
        (from, to) -> {
          for (long task = from; task < to; task++) {
            tiles.run(
                task,
                (row, rows, block, blocks) -> tile(quantised, bias, y, row, rows, block, blocks));
          }
        });
  }

  private void quantise(long x, int from, int to, long rows) {
    var kernel = Kernels.of(RowQuantizer.of(format));
    int whole = k / format.group();
    for (int row = from; row < to; row++) {
      long at = rows + row * format.rowBytes(k);
      long source = x + (long) row * k * Float.BYTES;
      RowQuantizer.run(kernel, source, at, whole);
      int rest = k - whole * format.group();
      if (rest > 0) {
        long padded = Scratch.reserve((long) format.group() * Float.BYTES);
        long begin = source + (long) whole * format.group() * Float.BYTES;
        Linears.copyPadded(begin, rest, padded, format.group());
        RowQuantizer.run(kernel, padded, at + (long) whole * format.rowGroupBytes(), 1);
      }
    }
  }

  private void tile(long x, long bias, long y, int row, int rows, int block, int blocks) {
    MachineCode kernel = Kernels.of(new IntegerTile(format, rows, blocks, rows == 1 ? AHEAD : 0));
    long w = weights.address() + block * format.blockBytes(k);
    int column = block * format.target().lanes();
    int columns = blocks * format.target().lanes();
    boolean whole = column + columns <= n;
    long target = y + ((long) row * n + column) * Float.BYTES;
    long targetBytes = (long) n * Float.BYTES;
    if (!whole) {
      targetBytes = (long) columns * Float.BYTES;
      target = Scratch.reserve(rows * targetBytes);
    }
    IntegerTile.run(
        kernel,
        x + row * format.rowBytes(k),
        format.rowBytes(k),
        w,
        format.blockBytes(k),
        format.groups(k),
        target,
        targetBytes,
        bias == 0 || !whole ? 0 : bias + (long) column * Float.BYTES);
    if (!whole) {
      Linears.copyTile(target, rows, columns, bias, y, row, column, n);
    }
  }
}
