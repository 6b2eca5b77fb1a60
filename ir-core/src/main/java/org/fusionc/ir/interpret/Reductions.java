package org.fusionc.ir.interpret;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Op;
import org.fusionc.ir.op.ArgMax;
import org.fusionc.ir.op.ReduceMax;
import org.fusionc.ir.op.ReduceMean;
import org.fusionc.ir.op.ReduceSum;
import org.fusionc.ir.op.Softmax;
import org.fusionc.ir.op.TopK;

/** Ops that look at all elements along axes. */
final class Reductions {
  private Reductions() {}

  static void register(Evaluators e) {
    e.on(ReduceSum.SCHEMA, ReduceSum.class, (op, f) -> sum(op, op.axes(), f, false));
    e.on(ReduceMean.SCHEMA, ReduceMean.class, (op, f) -> sum(op, op.axes(), f, true));
    e.on(ReduceMax.SCHEMA, ReduceMax.class, Reductions::max);
    e.on(Softmax.SCHEMA, Softmax.class, Reductions::softmax);
    e.on(TopK.SCHEMA, TopK.class, Reductions::topK);
    e.whole(ArgMax.SCHEMA, Reductions::argMax);
  }

  /** For each element of x the place in the result, where the reduced dimensions have size 1. */
  private static int[] targets(Array x, List<Long> axes) {
    var reduced = new boolean[x.rank()];
    for (int i = 0; i < x.rank(); i++) {
      reduced[i] = axes.isEmpty();
    }
    axes.forEach(axis -> reduced[Shapes.axis(axis, x.rank())] = true);
    int[] shape = x.shape();
    for (int i = 0; i < shape.length; i++) {
      shape[i] = reduced[i] ? 1 : shape[i];
    }
    int[] strides = Shapes.strides(shape);
    for (int i = 0; i < shape.length; i++) {
      strides[i] = reduced[i] ? 0 : strides[i];
    }
    return Shapes.places(x.shape(), strides, 0);
  }

  private static Array sum(Op op, List<Long> axes, Frame frame, boolean mean) {
    var x = frame.array(op, 0);
    int[] to = targets(x, axes);
    var y = new Array(x.dtype(), frame.shape(op.type()));
    if (!x.isReal()) {
      for (int i = 0; i < to.length; i++) {
        y.set(to[i], y.integer(to[i]) + x.integer(i));
      }
      return y;
    }
    var sums = new double[y.size()];
    for (int i = 0; i < to.length; i++) {
      sums[to[i]] += x.real(i);
    }
    double count = mean ? (double) x.size() / y.size() : 1;
    for (int i = 0; i < sums.length; i++) {
      y.set(i, sums[i] / count);
    }
    return y;
  }

  private static Array max(ReduceMax op, Frame frame) {
    var x = frame.array(op.x());
    int[] to = targets(x, op.axes());
    var y = new Array(x.dtype(), frame.shape(op.type()));
    var seen = new boolean[y.size()];
    for (int i = 0; i < to.length; i++) {
      int j = to[i];
      if (x.isReal()) {
        y.set(j, seen[j] ? Math.max(y.real(j), x.real(i)) : x.real(i));
      } else if (!seen[j] || Elementwise.order(x, x.integer(i), y.integer(j)) > 0) {
        y.set(j, x.integer(i));
      }
      seen[j] = true;
    }
    for (boolean any : seen) {
      if (!any) {
        throw new Problem("the maximum of no elements is not defined", "");
      }
    }
    return y;
  }

  private static Array softmax(Softmax op, Frame frame) {
    var x = frame.array(op.x());
    int axis = Shapes.axis(op.axis(), x.rank());
    int stride = Shapes.strides(x.shape())[axis];
    int count = x.dim(axis);
    var y = new Array(x.dtype(), x.shape());
    for (int row = 0; row < (count == 0 ? 0 : x.size() / count); row++) {
      int start = row / stride * stride * count + row % stride;
      double max = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < count; i++) {
        max = Math.max(max, x.real(start + i * stride));
      }
      double sum = 0;
      for (int i = 0; i < count; i++) {
        sum += Math.exp(x.real(start + i * stride) - max);
      }
      for (int i = 0; i < count; i++) {
        y.set(start + i * stride, Math.exp(x.real(start + i * stride) - max) / sum);
      }
    }
    return y;
  }

  private static Datum topK(TopK op, Frame frame) {
    var x = frame.array(op.x());
    int n = x.dim(-1);
    int k = (int) op.k();
    if (k > n) {
      throw new Problem("there are no %d elements in rows of %d".formatted(k, n), "");
    }
    int[] shape = x.shape();
    shape[shape.length - 1] = k;
    int[] places = new int[Array.size(shape)];
    var indices = new Array(Scalar.I32, shape);
    for (int row = 0; row < x.rows(); row++) {
      int start = row * n;
      var best =
          IntStream.range(0, n)
              .boxed()
              .sorted(Comparator.comparing(i -> start + i, (a, b) -> compare(x, b, a)))
              .limit(k)
              .toList();
      for (int i = 0; i < k; i++) {
        places[row * k + i] = start + best.get(i);
        indices.set(row * k + i, (long) best.get(i));
      }
    }
    return new Datum.Several(List.of(x.pick(places, shape), indices));
  }

  /** The order of two elements; 0 and -0 are equal, not-a-number is the greatest. */
  private static int compare(Array x, int a, int b) {
    return x.isReal()
        ? Double.compare(x.real(a) + 0.0, x.real(b) + 0.0)
        : Elementwise.order(x, x.integer(a), x.integer(b));
  }

  private static Array argMax(Array x) {
    int n = x.dim(-1);
    if (n == 0) {
      throw new Problem("rows of no elements have no largest", "");
    }
    int[] best = new int[x.rows()];
    for (int row = 0; row < best.length; row++) {
      for (int i = 1; i < n; i++) {
        if (compare(x, row * n + i, row * n + best[row]) > 0) {
          best[row] = i;
        }
      }
    }
    int[] shape = java.util.Arrays.copyOf(x.shape(), x.rank() - 1);
    return Shapes.vector(best).reshaped(shape);
  }
}
