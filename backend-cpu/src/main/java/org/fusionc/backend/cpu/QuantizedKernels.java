package org.fusionc.backend.cpu;

import java.util.Arrays;
import java.util.List;
import org.fusionc.backend.cpu.jit.Tier;
import org.fusionc.backend.cpu.jit.WeightPacking;
import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.kernel.QuantizedRows;
import org.fusionc.backend.cpu.kernel.WeightMatrix;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Value;
import org.fusionc.ir.backend.QuantizedLayout;
import org.fusionc.ir.op.Dequantize;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.op.Quantize;
import org.jspecify.annotations.Nullable;

/** Kernels that pack and unpack, and the weights of products in any format. */
final class QuantizedKernels {
  private QuantizedKernels() {}

  /** Why a product cannot read these weights; null if it can. */
  static @Nullable Choice unreadable(Value weight) {
    boolean isReadable =
        switch (KernelTable.dtype(weight)) {
          case Scalar scalar -> isStoredFloat(scalar);
          case DType.Quantized quantized -> quantized.isPacked();
        };
    return isReadable
        ? null
        : Choice.none(
            "its weight is "
                + weight.type()
                + "; the kernels read f32, f16, bf16, and q4 and q8 in groups of 32, 64 or 128",
            "a weight of one of these");
  }

  private static boolean isStoredFloat(DType dtype) {
    return dtype == Scalar.F32 || dtype == Scalar.F16 || dtype == Scalar.BF16;
  }

  /** The rows of a weight's last dimension, as a run finds them. */
  static WeightMatrix matrix(Run run, int weight, DType dtype) {
    return switch (dtype) {
      case Scalar scalar ->
          WeightMatrix.of(
              run.data(weight), FloatFormat.of(scalar), run.rows(weight), run.width(weight));
      case DType.Quantized quantized ->
          WeightMatrix.of(run.data(weight), layout(run, weight, quantized));
    };
  }

  private static QuantizedLayout layout(Run run, int value, DType.Quantized dtype) {
    return new QuantizedLayout(dtype, run.rows(value), run.width(value));
  }

  static Choice quantize(Quantize op, Tier tier) {
    var from = KernelTable.dtype(op.x());
    if (!isStoredFloat(from)) {
      return KernelTable.wants(op.x(), "f32, f16 or bf16");
    }
    var format = FloatFormat.of((Scalar) from);
    var to = (DType.Quantized) op.to();
    return Choice.kernel(
        "quantize",
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          var packing = WeightPacking.groups(tier, to);
          return run ->
              QuantizedRows.pack(
                  run.pool(), run.data(x), format, run.data(y), layout(run, y, to), packing);
        });
  }

  static Choice dequantize(Dequantize op) {
    var from = (DType.Quantized) KernelTable.dtype(op.x());
    if (!from.isPacked()) {
      return KernelTable.wants(op.x(), "q4 and q8 in groups of 32, 64 or 128");
    }
    if (op.to() != Scalar.F32) {
      return Choice.none("the kernel unpacks to f32, not " + op.to(), "f32, and then a cast");
    }
    return Choice.kernel(
        "dequantize",
        w -> {
          int x = w.of(op.x());
          int y = w.of(op);
          return run ->
              QuantizedRows.unpack(run.pool(), run.data(x), layout(run, x, from), run.data(y));
        });
  }

  /** Rows of a quantised table, along its first dimension. */
  static Choice gather(Gather op, DType.Quantized dtype) {
    var type = KernelTable.dtype(op.indices());
    return Choice.kernel(
        "gather_quantized",
        w -> {
          var table = w.table(op.x());
          if (table != null) {
            return LayoutKernels.gather(w, op, table);
          }
          int x = w.of(op.x());
          int indices = w.of(op.indices());
          int y = w.of(op);
          return run -> {
            var shape = run.shape(x);
            long block = Arrays.stream(shape, 1, shape.length - 1).reduce(1, Math::multiplyExact);
            QuantizedRows.gather(
                run.pool(),
                run.data(x),
                layout(run, x, dtype),
                block,
                shape[0],
                Scalars.ints(run.data(indices), type, run.elements(indices)),
                run.data(y),
                layout(run, y, dtype));
          };
        });
  }

  /** Bytes of a value of this dtype and shape. */
  static long bytes(DType dtype, long[] shape) {
    return org.fusionc.ir.backend.Elements.bytes(
        dtype, List.copyOf(Arrays.stream(shape).boxed().toList()));
  }
}
