package org.fusionc.backend.cpu;

import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.fusionc.ir.DType;

/**
 * General kernels, one element at a time: for what is small or runs once, such as routing decisions
 * and load-time functions. What a decoder spends its time on has kernels of its own.
 */
final class General {
  private static final int GRAIN = 1 << 12;

  private General() {}

  static Step unary(int x, DType from, int y, DType to, DoubleUnaryOperator f) {
    return run -> {
      var in = run.data(x);
      var out = run.data(y);
      run.pool()
          .parallelFor(
              run.elements(y),
              GRAIN,
              (first, end) -> {
                for (long i = first; i < end; i++) {
                  Scalars.set(out, to, i, f.applyAsDouble(Scalars.get(in, from, i)));
                }
              });
    };
  }

  static Step binary(int x, int y, DType from, int z, DType to, DoubleBinaryOperator f) {
    return run -> {
      var shape = run.shape(z);
      var left = Layouts.broadcastStrides(run.shape(x), shape);
      var right = Layouts.broadcastStrides(run.shape(y), shape);
      var a = run.data(x);
      var b = run.data(y);
      var out = run.data(z);
      run.pool()
          .parallelFor(
              run.elements(z),
              GRAIN,
              (first, end) -> {
                for (long i = first; i < end; i++) {
                  double u = Scalars.get(a, from, at(i, shape, left));
                  double v = Scalars.get(b, from, at(i, shape, right));
                  Scalars.set(out, to, i, f.applyAsDouble(u, v));
                }
              });
    };
  }

  static Step where(int condition, int x, int y, int z, DType dtype) {
    return run -> {
      var shape = run.shape(z);
      var choose = Layouts.broadcastStrides(run.shape(condition), shape);
      var left = Layouts.broadcastStrides(run.shape(x), shape);
      var right = Layouts.broadcastStrides(run.shape(y), shape);
      for (long i = 0; i < run.elements(z); i++) {
        boolean first =
            Scalars.get(run.data(condition), DType.Scalar.BOOL, at(i, shape, choose)) != 0;
        double value =
            first
                ? Scalars.get(run.data(x), dtype, at(i, shape, left))
                : Scalars.get(run.data(y), dtype, at(i, shape, right));
        Scalars.set(run.data(z), dtype, i, value);
      }
    };
  }

  /**
   * Where element {@code i} of a dense tensor of this shape lies in an operand with these strides.
   */
  private static long at(long i, long[] shape, long[] strides) {
    long rest = i;
    long at = 0;
    for (int d = shape.length - 1; d >= 0; d--) {
      at += rest % shape[d] * strides[d];
      rest /= shape[d];
    }
    return at;
  }

  /** Folds each row of the last dimension to one element. */
  static Step reduceRows(int x, int y, double start, DoubleBinaryOperator f, boolean mean) {
    var f32 = DType.Scalar.F32;
    return run -> {
      int rows = run.rows(x);
      int width = run.width(x);
      for (int r = 0; r < rows; r++) {
        double value = start;
        for (int i = 0; i < width; i++) {
          value = f.applyAsDouble(value, Scalars.get(run.data(x), f32, (long) r * width + i));
        }
        Scalars.set(run.data(y), f32, r, mean ? value / width : value);
      }
    };
  }

  /** The k largest of each row with their indices, largest first; of equals the first. */
  static Step topK(int x, int values, int indices) {
    var f32 = DType.Scalar.F32;
    return run -> {
      int rows = run.rows(x);
      int width = run.width(x);
      int k = run.width(values);
      var taken = new boolean[width];
      for (int r = 0; r < rows; r++) {
        java.util.Arrays.fill(taken, false);
        for (int j = 0; j < k; j++) {
          int best = -1;
          double largest = 0;
          for (int i = 0; i < width; i++) {
            double value = Scalars.get(run.data(x), f32, (long) r * width + i);
            if (!taken[i] && (best < 0 || value > largest)) {
              best = i;
              largest = value;
            }
          }
          taken[best] = true;
          Scalars.set(run.data(values), f32, (long) r * k + j, largest);
          Scalars.set(run.data(indices), DType.Scalar.I32, (long) r * k + j, best);
        }
      }
    };
  }

  /** y[r, j] = x[r, indices[r, j]]. */
  static Step gatherElements(int x, DType dtype, int indices, DType indexType, int y) {
    return run -> {
      int width = run.width(x);
      int k = run.width(indices);
      for (int r = 0; r < run.rows(indices); r++) {
        for (int j = 0; j < k; j++) {
          long i = (long) Scalars.get(run.data(indices), indexType, (long) r * k + j);
          if (i < 0 || i >= width) {
            throw new IndexOutOfBoundsException("gather_elements: index " + i + " of " + width);
          }
          Scalars.set(
              run.data(y),
              dtype,
              (long) r * k + j,
              Scalars.get(run.data(x), dtype, (long) r * width + i));
        }
      }
    };
  }

  /** y = x; y[r, indices[r, j]] = updates[r, j]. */
  static Step scatterElements(
      int x, DType dtype, int indices, DType indexType, int updates, int y) {
    return run -> {
      run.data(y).copyFrom(run.data(x));
      int width = run.width(x);
      int k = run.width(indices);
      for (int r = 0; r < run.rows(indices); r++) {
        for (int j = 0; j < k; j++) {
          long i = (long) Scalars.get(run.data(indices), indexType, (long) r * k + j);
          if (i < 0 || i >= width) {
            throw new IndexOutOfBoundsException("scatter_elements: index " + i + " of " + width);
          }
          Scalars.set(
              run.data(y),
              dtype,
              (long) r * width + i,
              Scalars.get(run.data(updates), dtype, (long) r * k + j));
        }
      }
    };
  }
}
