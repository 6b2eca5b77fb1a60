package org.fusionc.ir.interpret;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.op.BroadcastTo;
import org.fusionc.ir.op.Concat;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.op.GatherElements;
import org.fusionc.ir.op.Iota;
import org.fusionc.ir.op.Reshape;
import org.fusionc.ir.op.ScatterElements;
import org.fusionc.ir.op.Slice;
import org.fusionc.ir.op.Transpose;

/** Ops that make, move and pick elements; and the arithmetic of shapes. */
final class Shapes {
  private Shapes() {}

  static void register(Evaluators e) {
    e.on(Constant.SCHEMA, Constant.class, Shapes::constant);
    e.on(Iota.SCHEMA, Iota.class, Shapes::iota);
    e.on(Reshape.SCHEMA, Reshape.class, (op, f) -> f.array(op.x()).reshaped(f.shape(op.type())));
    e.on(
        BroadcastTo.SCHEMA,
        BroadcastTo.class,
        (op, f) -> spread(f.array(op.x()), f.shape(op.type())));
    e.on(Transpose.SCHEMA, Transpose.class, Shapes::transpose);
    e.on(Concat.SCHEMA, Concat.class, Shapes::concat);
    e.on(Slice.SCHEMA, Slice.class, Shapes::slice);
    e.on(Gather.SCHEMA, Gather.class, Shapes::gather);
    e.on(GatherElements.SCHEMA, GatherElements.class, Shapes::gatherElements);
    e.on(ScatterElements.SCHEMA, ScatterElements.class, Shapes::scatterElements);
  }

  /** Row-major strides. */
  static int[] strides(int[] shape) {
    int[] strides = new int[shape.length];
    int stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    return strides;
  }

  /**
   * For each place of {@code shape} in row-major order, {@code start} plus its coordinates times
   * {@code strides}.
   */
  static int[] places(int[] shape, int[] strides, int start) {
    int[] places = new int[Array.size(shape)];
    int[] at = new int[shape.length];
    int place = start;
    for (int i = 0; i < places.length; i++) {
      places[i] = place;
      for (int d = shape.length - 1; d >= 0; d--) {
        place += strides[d];
        if (++at[d] < shape[d]) {
          break;
        }
        place -= at[d] * strides[d];
        at[d] = 0;
      }
    }
    return places;
  }

  /** The common shape of two that broadcast, aligned at the last dimension. */
  static int[] broadcast(int[] x, int[] y) {
    int rank = Math.max(x.length, y.length);
    int[] shape = new int[rank];
    for (int i = 0; i < rank; i++) {
      int a = i < rank - x.length ? 1 : x[i - rank + x.length];
      int b = i < rank - y.length ? 1 : y[i - rank + y.length];
      if (a != b && a != 1 && b != 1) {
        throw new Problem(
            "%s and %s do not broadcast".formatted(Arrays.toString(x), Arrays.toString(y)), "");
      }
      shape[i] = a == 1 ? b : a;
    }
    return shape;
  }

  /** x repeated along its dimensions of size 1 and along new leading ones. */
  static Array spread(Array x, int[] shape) {
    if (Arrays.equals(x.shape(), shape)) {
      return x;
    }
    int[] from = strides(x.shape());
    int[] strides = new int[shape.length];
    for (int i = shape.length - x.rank(); i < shape.length; i++) {
      int own = i - shape.length + x.rank();
      strides[i] = x.dim(own) == 1 ? 0 : from[own];
    }
    return x.pick(places(shape, strides, 0), shape);
  }

  static int axis(long axis, int rank) {
    return (int) (axis < 0 ? axis + rank : axis);
  }

  private static Array constant(Constant op, Frame frame) {
    var y = new Array(Frame.scalar(op.tensorType().dtype()), frame.shape(op.type()));
    var elements = op.value().elements();
    for (int i = 0; i < y.size(); i++) {
      var element = elements.get(op.value().isSplat() ? 0 : i);
      if (element instanceof Long integer && !y.isReal()) {
        y.set(i, integer.longValue());
      } else {
        y.set(i, element.doubleValue());
      }
    }
    return y;
  }

  private static Array iota(Iota op, Frame frame) {
    int[] shape = frame.shape(op.type());
    var y = new Array(Frame.scalar(op.tensorType().dtype()), shape);
    int[] strides = new int[shape.length];
    strides[axis(op.axis(), shape.length)] = 1;
    int[] counts = places(shape, strides, 0);
    for (int i = 0; i < counts.length; i++) {
      if (y.isReal()) {
        y.set(i, (double) counts[i]);
      } else {
        y.set(i, (long) counts[i]);
      }
    }
    return y;
  }

  private static Array transpose(Transpose op, Frame frame) {
    var x = frame.array(op.x());
    int rank = x.rank();
    int[] permutation =
        op.permutation().isEmpty()
            ? IntStream.range(0, rank).map(i -> rank - 1 - i).toArray()
            : op.permutation().stream().mapToInt(p -> axis(p, rank)).toArray();
    int[] from = strides(x.shape());
    int[] shape = Arrays.stream(permutation).map(x::dim).toArray();
    int[] strides = Arrays.stream(permutation).map(p -> from[p]).toArray();
    return x.pick(places(shape, strides, 0), shape);
  }

  private static Array slice(Slice op, Frame frame) {
    var x = frame.array(op.x());
    int axis = axis(op.axis(), x.rank());
    if (op.end() > x.dim(axis)) {
      throw new Problem("the end %d is beyond dimension %d of %s".formatted(op.end(), axis, x), "");
    }
    int[] strides = strides(x.shape());
    int start = (int) op.start() * strides[axis];
    strides[axis] *= (int) op.step();
    int[] shape = frame.shape(op.type());
    return x.pick(places(shape, strides, start), shape);
  }

  private static Array concat(Concat op, Frame frame) {
    var inputs = op.inputs().stream().map(frame::array).toList();
    int[] shape = inputs.getFirst().shape();
    int axis = axis(op.axis(), shape.length);
    shape[axis] = inputs.stream().mapToInt(input -> input.dim(axis)).sum();
    var y = new Array(inputs.getFirst().dtype(), shape);
    int offset = 0;
    for (var input : inputs) {
      int[] strides = strides(shape);
      int[] to = places(input.shape(), strides, offset * strides[axis]);
      for (int i = 0; i < to.length; i++) {
        copy(input, i, y, to[i]);
      }
      offset += input.dim(axis);
    }
    return y;
  }

  private static void copy(Array from, int i, Array to, int j) {
    if (from.isReal()) {
      to.set(j, from.real(i));
    } else {
      to.set(j, from.integer(i));
    }
  }

  /** Element {@code i} of an index array, which must be in 0 … limit - 1. */
  static int index(Array indices, int i, int limit) {
    long index = indices.integer(i);
    if (index < 0 || index >= limit) {
      throw new Problem(
          "index %d at place %d is outside 0 … %d".formatted(index, i, limit - 1),
          "give indices of the %d that there are".formatted(limit));
    }
    return (int) index;
  }

  private static Datum gather(Gather op, Frame frame) {
    if (frame.get(op.x()) instanceof Packed packed) {
      return Quantized.gather(packed, op, frame);
    }
    var x = frame.array(op.x());
    var indices = frame.array(op.indices());
    int axis = axis(op.axis(), x.rank());
    int[] shape = x.shape();
    int before = Array.size(Arrays.copyOf(shape, axis));
    int after = Array.size(Arrays.copyOfRange(shape, axis + 1, shape.length));
    int[] from = new int[Array.size(new int[] {before, indices.size(), after})];
    int at = 0;
    for (int b = 0; b < before; b++) {
      for (int j = 0; j < indices.size(); j++) {
        int start = (b * x.dim(axis) + index(indices, j, x.dim(axis))) * after;
        for (int a = 0; a < after; a++) {
          from[at++] = start + a;
        }
      }
    }
    return x.pick(from, frame.shape(op.type()));
  }

  private static Array gatherElements(GatherElements op, Frame frame) {
    var x = frame.array(op.x());
    var indices = frame.array(op.indices());
    int[] from = new int[indices.size()];
    for (int i = 0; i < from.length; i++) {
      from[i] = i / indices.dim(-1) * x.dim(-1) + index(indices, i, x.dim(-1));
    }
    return x.pick(from, indices.shape());
  }

  private static Array scatterElements(ScatterElements op, Frame frame) {
    var x = frame.array(op.x());
    var indices = frame.array(op.indices());
    var updates = frame.array(op.updates());
    var y = x.pick(IntStream.range(0, x.size()).toArray(), x.shape());
    for (int i = 0; i < indices.size(); i++) {
      copy(updates, i, y, i / indices.dim(-1) * x.dim(-1) + index(indices, i, x.dim(-1)));
    }
    return y;
  }

  /** Rows of the first dimension, by index. */
  static Array rows(Array x, int[] rows) {
    int[] shape = x.shape();
    shape[0] = rows.length;
    int width = rows.length == 0 ? 0 : Array.size(shape) / rows.length;
    int[] from = new int[rows.length * width];
    for (int i = 0; i < from.length; i++) {
      from[i] = rows[i / width] * width + i % width;
    }
    return x.pick(from, shape);
  }

  /** An {@code i32} vector. */
  static Array vector(int[] elements) {
    var y = new Array(Scalar.I32, elements.length);
    for (int i = 0; i < elements.length; i++) {
      y.set(i, (long) elements[i]);
    }
    return y;
  }
}
