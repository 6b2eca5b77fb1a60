package org.fusionc.backend.cpu;

import org.fusionc.backend.cpu.kernel.Rows;
import org.fusionc.ir.DType;
import org.fusionc.ir.Op;
import org.fusionc.ir.Value;
import org.fusionc.ir.op.BroadcastTo;
import org.fusionc.ir.op.Concat;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.op.OutputRows;
import org.fusionc.ir.op.Positions;
import org.fusionc.ir.op.SelectOutputs;
import org.fusionc.ir.op.Sequences;
import org.fusionc.ir.op.Slice;
import org.fusionc.ir.op.Transpose;

/** Kernels that move elements, and those that read the batch. */
final class LayoutKernels {
  private LayoutKernels() {}

  /** Bytes of an element; a sub-byte or quantised dtype has none. */
  private static int width(Value value) {
    return value.tensorType().dtype() instanceof DType.Scalar s && s.bits() >= 8 ? s.bytes() : 0;
  }

  private static Choice copying(Op op, Value x, Choice.Factory factory) {
    return width(x) == 0
        ? Choice.none(
            op.name() + " does not move elements of " + x.type(), "quantise after the layout op")
        : Choice.kernel("copy", factory);
  }

  private static int axis(long axis, int rank) {
    return (int) (axis < 0 ? axis + rank : axis);
  }

  static Choice slice(Slice op) {
    return copying(
        op,
        op.x(),
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          int width = width(op.x());
          int axis = axis(op.axis(), op.x().tensorType().rank());
          return run -> {
            var strides = Layouts.strides(run.shape(x));
            long offset = op.start() * strides[axis];
            strides[axis] *= op.step();
            var shape = run.shape(y);
            Layouts.copy(
                run.pool(),
                run.data(x),
                offset,
                strides,
                run.data(y),
                0,
                Layouts.strides(shape),
                shape,
                width);
          };
        });
  }

  static Choice concat(Concat op) {
    return copying(
        op,
        op.inputs().getFirst(),
        w -> {
          var inputs = op.inputs().stream().map(w::of).toList();
          int y = w.of(op);
          int width = width(op.inputs().getFirst());
          int axis = axis(op.axis(), op.tensorType().rank());
          return run -> {
            var strides = Layouts.strides(run.shape(y));
            long at = 0;
            for (int x : inputs) {
              var shape = run.shape(x);
              Layouts.copy(
                  run.pool(),
                  run.data(x),
                  0,
                  Layouts.strides(shape),
                  run.data(y),
                  at * strides[axis],
                  strides,
                  shape,
                  width);
              at += shape[axis];
            }
          };
        });
  }

  static Choice transpose(Transpose op) {
    return copying(
        op,
        op.x(),
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          int width = width(op.x());
          int rank = op.x().tensorType().rank();
          return run -> {
            var own = Layouts.strides(run.shape(x));
            var strides = new long[rank];
            for (int i = 0; i < rank; i++) {
              strides[i] =
                  own[
                      op.permutation().isEmpty()
                          ? rank - 1 - i
                          : axis(op.permutation().get(i), rank)];
            }
            var shape = run.shape(y);
            Layouts.copy(
                run.pool(),
                run.data(x),
                0,
                strides,
                run.data(y),
                0,
                Layouts.strides(shape),
                shape,
                width);
          };
        });
  }

  static Choice broadcastTo(BroadcastTo op) {
    return copying(
        op,
        op.x(),
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          int width = width(op.x());
          return run -> {
            var shape = run.shape(y);
            Layouts.copy(
                run.pool(),
                run.data(x),
                0,
                Layouts.broadcastStrides(run.shape(x), shape),
                run.data(y),
                0,
                Layouts.strides(shape),
                shape,
                width);
          };
        });
  }

  static Choice gather(Gather op) {
    if (axis(op.axis(), op.x().tensorType().rank()) != 0) {
      return Choice.none(
          "gather runs along the first dimension only",
          "transpose the dimension to the front first");
    }
    if (!Scalars.handles(op.indices().tensorType().dtype())) {
      return KernelTable.wants(op.indices(), "i32 or i64 indices");
    }
    if (op.x().tensorType().dtype() instanceof DType.Quantized dtype && dtype.isPacked()) {
      return QuantizedKernels.gather(op, dtype);
    }
    return copying(
        op,
        op.x(),
        w -> {
          var table = w.table(op.x());
          if (table != null) {
            return gather(w, op, table);
          }
          int x = w.of(op.x());
          int indices = w.of(op.indices());
          int y = w.of(op);
          int width = width(op.x());
          var type = op.indices().tensorType().dtype();
          return run -> {
            long count = run.shape(x)[0];
            long row = count == 0 ? 0 : run.elements(x) / count * (long) width;
            Rows.copy(
                run.pool(),
                run.data(x),
                count,
                row,
                Scalars.ints(run.data(indices), type, run.elements(indices)),
                run.data(y));
          };
        });
  }

  /** Rows of a table that is kept packed. */
  static Step gather(Wiring w, Gather op, PackedTable table) {
    int indices = w.of(op.indices());
    int y = w.of(op);
    var type = op.indices().tensorType().dtype();
    return run ->
        table.gather(
            run.pool(), Scalars.ints(run.data(indices), type, run.elements(indices)), run.data(y));
  }

  static Choice selectOutputs(SelectOutputs op) {
    return copying(
        op,
        op.x(),
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          int width = width(op.x());
          return run -> {
            long count = run.shape(x)[0];
            long row = count == 0 ? 0 : run.elements(x) / count * (long) width;
            Rows.copy(run.pool(), run.data(x), count, row, run.batch().outputs(), run.data(y));
          };
        });
  }

  static Choice positions(Positions op) {
    return Choice.kernel("batch", w -> batch(w.of(op), run -> run.batch().position()));
  }

  static Choice sequences(Sequences op) {
    return Choice.kernel("batch", w -> batch(w.of(op), run -> run.batch().sequence()));
  }

  static Choice outputRows(OutputRows op) {
    return Choice.kernel("batch", w -> batch(w.of(op), run -> run.batch().outputs()));
  }

  private static Step batch(int y, java.util.function.Function<Run, int[]> field) {
    return run -> {
      var values = field.apply(run);
      for (int i = 0; i < values.length; i++) {
        Scalars.set(run.data(y), DType.Scalar.I32, i, values[i]);
      }
    };
  }
}
