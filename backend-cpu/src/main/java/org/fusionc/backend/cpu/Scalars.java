package org.fusionc.backend.cpu;

import java.lang.foreign.MemorySegment;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Elements;

/** Reads and writes single elements of the dtypes that the general kernels compute with. */
final class Scalars {
  private Scalars() {}

  /** Whether elements of this dtype can be read and written here. */
  static boolean handles(DType dtype) {
    return dtype instanceof DType.Scalar scalar
        && switch (scalar) {
          case F32, F16, BF16, I64, I32, U8, BOOL -> true;
          default -> false;
        };
  }

  /** Element {@code i} as a double; f32 and all of i32 exactly. */
  static double get(MemorySegment data, DType dtype, long i) {
    return Elements.real(computed(dtype), data, i);
  }

  static void set(MemorySegment data, DType dtype, long i, double value) {
    var scalar = computed(dtype);
    switch (scalar.kind()) {
      case FLOAT -> Elements.setReal(scalar, data, i, value);
      case INT -> Elements.setInteger(scalar, data, i, (long) value);
      case BOOL -> Elements.setInteger(scalar, data, i, value == 0 ? 0 : 1);
    }
  }

  private static DType.Scalar computed(DType dtype) {
    if (dtype instanceof DType.Scalar scalar && handles(scalar)) {
      return scalar;
    }
    throw new IllegalStateException(dtype + " elements are not computed with");
  }

  static int[] ints(MemorySegment data, DType dtype, int count) {
    var out = new int[count];
    for (int i = 0; i < count; i++) {
      out[i] = (int) get(data, dtype, i);
    }
    return out;
  }
}
