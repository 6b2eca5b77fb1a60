package org.fusionc.backend.cpu.jit;

import java.lang.foreign.MemorySegment;
import java.util.function.Function;
import org.fusionc.backend.cpu.kernel.Operand;
import org.fusionc.backend.cpu.parallel.ComputePool;
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
    long to = Operand.output("y", y, (long) m * n);
    inTurns(pool, input(x, m), added(bias), to, m, n, product -> product::panels);
  }

  /**
   * {@code y[i, j] = f(g[i, j]) · u[i, j]}, where g and u are the halves of what {@link #run}
   * gives. These never are in memory as a whole: a task gates what it has just computed.
   *
   * @param x f32 [m, k]
   * @param bias f32 [n], or null
   * @param y f32 [m, n / 2], must not overlap the inputs
   * @param units for the same target; their function is f
   * @throws IllegalArgumentException if a segment is too small, or the weights cannot be halved
   */
  public final void gated(
      ComputePool pool,
      MemorySegment x,
      @Nullable MemorySegment bias,
      MemorySegment y,
      int m,
      GatedUnits units) {
    if (!isHalved(layout.target(), n)) {
      throw new IllegalArgumentException("halves of " + n + " channels are no whole panels");
    }
    int half = n / 2;
    inTurns(
        pool,
        input(x, m),
        added(bias),
        Operand.output("y", y, (long) m * half),
        m,
        half,
        product -> new GatedProduct(product, units, half));
  }

  private long input(MemorySegment x, int m) {
    return Operand.input("x", x, (long) m * k);
  }

  private long added(@Nullable MemorySegment bias) {
    return Operand.inputOrNone("bias", bias, n);
  }

  /**
   * Some rows at a time.
   *
   * @param columns of y
   * @param body what computes y with a product whose result lies there
   */
  private void inTurns(
      ComputePool pool,
      long x,
      long bias,
      long y,
      int m,
      int columns,
      Function<Product, Tiles.Body> body) {
    if (columns == 0) {
      return;
    }
    long rowBytes = (long) columns * Float.BYTES;
    for (int first = 0; first < m; first += ROWS_AT_ONCE) {
      int rows = Math.min(ROWS_AT_ONCE, m - first);
      long from = prepared(pool, x + (long) first * k * Float.BYTES, rows);
      long to = y + first * rowBytes;
      var product = new Product(layout, weights.address(), n, k, from, bias, to, rowBytes);
      new Tiles(rows, layout.panels(columns), layout, k, Tiles.tasks(pool))
          .run(pool, body.apply(product));
    }
  }

  /** How rows are prepared: layers that agree in it can share them. */
  final PanelLayout layout() {
    return layout;
  }

  final int n() {
    return n;
  }

  /** Bytes from one prepared row to the next. */
  final long preparedBytes() {
    return layout.rowBytes(k);
  }

  /**
   * The product of prepared rows.
   *
   * @param y f32 [rows, n]
   */
  final Product product(long rows, long bias, long y) {
    return new Product(layout, weights.address(), n, k, rows, bias, y, (long) n * Float.BYTES);
  }

  /** How a product of so many rows is cut. */
  final Tiles tiles(int rows, int least) {
    return new Tiles(rows, layout.panels(n), layout, k, least);
  }

  /** Whether the halves of {@code n} channels are whole panels in a target's layouts. */
  public static boolean isHalved(Target target, long n) {
    return n % (2L * PanelLayout.channels(target)) == 0;
  }

  /** Rows of f32 as the layout wants them, in scratch memory that is shared, or where they are. */
  abstract long prepared(ComputePool pool, long x, int m);
}
