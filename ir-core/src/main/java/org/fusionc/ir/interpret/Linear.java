package org.fusionc.ir.interpret;

import java.util.Arrays;
import org.fusionc.ir.op.Matmul;
import org.jspecify.annotations.Nullable;

/** Matrix products. */
final class Linear {
  private Linear() {}

  static void register(Evaluators e) {
    e.on(
        org.fusionc.ir.op.Linear.SCHEMA,
        org.fusionc.ir.op.Linear.class,
        (op, f) -> linear(f.array(op.x()), f.array(op.weight()), f.optional(op.bias())));
    e.on(Matmul.SCHEMA, Matmul.class, Linear::matmul);
  }

  /** y[…, n] = Σₖ x[…, k] · weight[n, k] + bias[n]. */
  static Array linear(Array x, Array weight, @Nullable Array bias) {
    int[] shape = x.shape();
    int n = weight.dim(0);
    int k = weight.dim(1);
    shape[shape.length - 1] = n;
    var y = new Array(x.dtype(), shape);
    for (int t = 0; t < x.rows(); t++) {
      var row = x.row(t);
      for (int i = 0; i < n; i++) {
        y.set(t * n + i, weight.dot(i * k, row) + (bias == null ? 0 : bias.real(i)));
      }
    }
    return y;
  }

  /** z[…, m, n] = Σₖ x[…, m, k] · y[…, k, n]. */
  private static Array matmul(Matmul op, Frame frame) {
    var x = frame.array(op.x());
    var y = frame.array(op.y());
    int m = x.dim(-2);
    int k = x.dim(-1);
    int n = y.dim(-1);
    int[] shape = frame.shape(op.type());
    int[] batch = Arrays.copyOf(shape, shape.length - 2);
    var left = Shapes.spread(x, with(batch, m, k));
    var right = Shapes.spread(y, with(batch, k, n));
    var z = new Array(x.dtype(), shape);
    for (int b = 0; b < Array.size(batch); b++) {
      for (int j = 0; j < n; j++) {
        var column = new double[k];
        for (int i = 0; i < k && x.isReal(); i++) {
          column[i] = right.real((b * k + i) * n + j);
        }
        for (int i = 0; i < m; i++) {
          int row = (b * m + i) * k;
          if (x.isReal()) {
            z.set((b * m + i) * n + j, left.dot(row, column));
          } else {
            long sum = 0;
            for (int c = 0; c < k; c++) {
              sum += left.integer(row + c) * right.integer((b * k + c) * n + j);
            }
            z.set((b * m + i) * n + j, sum);
          }
        }
      }
    }
    return z;
  }

  private static int[] with(int[] batch, int rows, int columns) {
    int[] shape = Arrays.copyOf(batch, batch.length + 2);
    shape[batch.length] = rows;
    shape[batch.length + 1] = columns;
    return shape;
  }
}
