package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.fusionc.backend.cpu.parallel.ComputePool;

/**
 * Moving elements without looking at them, for any dtype of whole bytes: every layout op is a copy
 * from a strided view into dense memory.
 */
final class Layouts {
  /** Elements per task of a parallel copy. */
  private static final int GRAIN = 1 << 14;

  private Layouts() {}

  /** Row-major strides of a shape, in elements. */
  static long[] strides(long[] shape) {
    var strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    return strides;
  }

  /**
   * Copies the view of {@code x} with this shape, these strides and this offset (in elements) to
   * {@code y}, dense from {@code yOffset} on with strides {@code yStrides}.
   */
  static void copy(
      ComputePool pool,
      MemorySegment x,
      long xOffset,
      long[] xStrides,
      MemorySegment y,
      long yOffset,
      long[] yStrides,
      long[] shape,
      int width) {
    long total = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    if (total == 0) {
      return;
    }
    if (shape.length == 0) {
      MemorySegment.copy(x, xOffset * width, y, yOffset * width, width);
      return;
    }
    int last = shape.length - 1;
    long inner = shape[last];
    boolean dense = xStrides[last] == 1 && yStrides[last] == 1;
    pool.parallelFor(
        total / inner,
        Math.max(1, GRAIN / inner),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            long xAt = xOffset;
            long yAt = yOffset;
            long rest = row;
            for (int d = last - 1; d >= 0; d--) {
              long i = rest % shape[d];
              rest /= shape[d];
              xAt += i * xStrides[d];
              yAt += i * yStrides[d];
            }
            if (dense) {
              MemorySegment.copy(x, xAt * width, y, yAt * width, inner * width);
            } else {
              for (long i = 0; i < inner; i++) {
                MemorySegment.copy(
                    x,
                    (xAt + i * xStrides[last]) * width,
                    y,
                    (yAt + i * yStrides[last]) * width,
                    width);
              }
            }
          }
        });
  }

  /** Strides with which an operand of shape {@code from} is read as one of shape {@code to}. */
  static long[] broadcastStrides(long[] from, long[] to) {
    var own = strides(from);
    var strides = new long[to.length];
    int shift = to.length - from.length;
    for (int i = 0; i < from.length; i++) {
      strides[i + shift] = from[i] == 1 ? 0 : own[i];
    }
    return strides;
  }
}
