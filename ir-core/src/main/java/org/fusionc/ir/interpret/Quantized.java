package org.fusionc.ir.interpret;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.fusionc.ir.DType;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.QuantizedLayout;
import org.fusionc.ir.backend.Tensor;
import org.fusionc.ir.op.Dequantize;
import org.fusionc.ir.op.Gather;
import org.fusionc.ir.op.Quantize;

/** Packing numbers into groups of small integers, and back. */
final class Quantized {
  private static final float F16_MAX = 65504;

  private Quantized() {}

  static void register(Evaluators e) {
    e.on(
        Quantize.SCHEMA,
        Quantize.class,
        (op, f) -> new Packed(pack(f.array(op.x()), (DType.Quantized) op.to())));
    e.on(
        Dequantize.SCHEMA,
        Dequantize.class,
        (op, f) -> unpack(f.packed(op.x()).tensor(), (Scalar) op.to()));
  }

  private static Tensor allocate(DType.Quantized dtype, int[] shape) {
    return Tensor.allocate(Arena.ofAuto(), dtype, Arrays.stream(shape).asLongStream().toArray());
  }

  private static Tensor pack(Array x, DType.Quantized dtype) {
    var tensor = allocate(dtype, x.shape());
    var layout = QuantizedLayout.of(dtype, tensor.shape());
    for (int row = 0; row < layout.rows(); row++) {
      for (int g = 0; g < layout.groups(); g++) {
        int from = g * dtype.group();
        int count = (int) Math.min(dtype.group(), layout.columns() - from);
        var group = new float[count];
        for (int i = 0; i < count; i++) {
          group[i] = (float) x.real((int) (row * layout.columns()) + from + i);
        }
        pack(group, layout, row, g, tensor.data());
      }
    }
    return tensor;
  }

  /** One group of one row. */
  private static void pack(
      float[] x, QuantizedLayout layout, long row, long group, MemorySegment to) {
    float min = layout.dtype().asymmetric() ? f16(least(x)) : 0;
    float scale = scale(x, layout, min);
    long at = row * layout.groups() + group;
    Elements.setReal(Scalar.F16, to.asSlice(layout.scalesAt()), at, scale);
    if (layout.dtype().asymmetric()) {
      Elements.setReal(Scalar.F16, to.asSlice(layout.minimaAt()), at, min);
    }
    for (int i = 0; i < layout.dtype().group(); i++) {
      int q = 0;
      if (i < x.length && scale != 0) {
        double nearest = Math.rint((x[i] - min) / scale);
        q = (int) Math.clamp(nearest, layout.smallest(), layout.largest());
      }
      put(layout, row, group * layout.dtype().group() + i, to, q);
    }
  }

  private static float scale(float[] x, QuantizedLayout layout, float min) {
    if (layout.dtype().asymmetric()) {
      float most = Float.NEGATIVE_INFINITY;
      for (float each : x) {
        most = each > most ? each : most;
      }
      return f16((most - min) / layout.largest());
    }
    float largest = 0;
    for (float each : x) {
      largest = Math.abs(each) > Math.abs(largest) ? each : largest;
    }
    return layout.dtype().width() == 4 ? f16(largest / -8) : f16(Math.abs(largest) / 127);
  }

  private static float least(float[] x) {
    float least = Float.POSITIVE_INFINITY;
    for (float each : x) {
      least = each < least ? each : least;
    }
    return least;
  }

  /** Rounded to f16, and limited to its finite numbers; zero is never negative. */
  private static float f16(float x) {
    return Math.clamp((float) Elements.round(Scalar.F16, x), -F16_MAX, F16_MAX) + 0f;
  }

  private static void put(QuantizedLayout layout, long row, long column, MemorySegment to, int q) {
    long start = row * layout.rowBytes();
    if (layout.dtype().width() == 8) {
      to.set(ValueLayout.JAVA_BYTE, start + column, (byte) q);
    } else {
      int stored = layout.dtype().asymmetric() ? q : q + 8;
      Elements.setInteger(Scalar.U4, to.asSlice(start), column, stored);
    }
  }

  private static int get(QuantizedLayout layout, long row, long column, MemorySegment from) {
    long start = row * layout.rowBytes();
    if (layout.dtype().width() == 8) {
      byte stored = from.get(ValueLayout.JAVA_BYTE, start + column);
      return layout.dtype().asymmetric() ? Byte.toUnsignedInt(stored) : stored;
    }
    int stored = (int) Elements.integer(Scalar.U4, from.asSlice(start), column);
    return layout.dtype().asymmetric() ? stored : stored - 8;
  }

  /** y = scale · q + min. */
  static Array unpack(Tensor packed, Scalar to) {
    var dtype = (DType.Quantized) packed.dtype();
    var layout = QuantizedLayout.of(dtype, packed.shape());
    var y = new Array(to, packed.shape().stream().mapToInt(Math::toIntExact).toArray());
    var scales = packed.data().asSlice(layout.scalesAt());
    for (long row = 0; row < layout.rows(); row++) {
      for (int k = 0; k < layout.columns(); k++) {
        long group = row * layout.groups() + k / dtype.group();
        double min =
            dtype.asymmetric()
                ? Elements.real(Scalar.F16, packed.data().asSlice(layout.minimaAt()), group)
                : 0;
        double scale = Elements.real(Scalar.F16, scales, group);
        double value = scale * get(layout, row, k, packed.data()) + min;
        y.set((int) (row * layout.columns()) + k, value);
      }
    }
    return y;
  }

  /** Whole rows of a quantised table: their integers, scales and minima. */
  static Packed gather(Packed table, Gather op, Frame frame) {
    var x = table.tensor();
    var from = QuantizedLayout.of((DType.Quantized) x.dtype(), x.shape());
    var indices = frame.array(op.indices());
    int axis = Shapes.axis(op.axis(), x.shape().size());
    var y = allocate(from.dtype(), frame.shape(op.type()));
    var to = QuantizedLayout.of(from.dtype(), y.shape());
    int[] shape = x.shape().stream().mapToInt(Math::toIntExact).toArray();
    int before = Array.size(Arrays.copyOf(shape, axis));
    int after = Array.size(Arrays.copyOfRange(shape, axis + 1, shape.length - 1));
    long scales = from.groups() * Short.BYTES;
    long row = 0;
    for (int b = 0; b < before; b++) {
      for (int j = 0; j < indices.size(); j++) {
        long start = ((long) b * shape[axis] + Shapes.index(indices, j, shape[axis])) * after;
        for (int a = 0; a < after; a++, row++) {
          long source = start + a;
          copy(x, source * from.rowBytes(), y, row * to.rowBytes(), from.rowBytes());
          copy(x, from.scalesAt() + source * scales, y, to.scalesAt() + row * scales, scales);
          if (from.dtype().asymmetric()) {
            copy(x, from.minimaAt() + source * scales, y, to.minimaAt() + row * scales, scales);
          }
        }
      }
    }
    return new Packed(y);
  }

  private static void copy(Tensor x, long from, Tensor y, long to, long bytes) {
    MemorySegment.copy(x.data(), from, y.data(), to, bytes);
  }
}
