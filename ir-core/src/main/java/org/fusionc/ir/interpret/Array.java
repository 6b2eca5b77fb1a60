package org.fusionc.ir.interpret;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.backend.Elements;
import org.fusionc.ir.backend.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A tensor's elements in row-major order, decoded: {@code f64} as doubles, every other floating
 * dtype as floats (which hold each of them exactly), integers and bool as longs. What is written is
 * rounded to the dtype.
 */
public final class Array implements Datum {
  private final Scalar dtype;
  private final int[] shape;
  private final float @Nullable [] floats;
  private final double @Nullable [] doubles;
  private final long @Nullable [] longs;

  private Array(
      Scalar dtype,
      int[] shape,
      float @Nullable [] floats,
      double @Nullable [] doubles,
      long @Nullable [] longs) {
    this.dtype = dtype;
    this.shape = shape.clone();
    this.floats = floats;
    this.doubles = doubles;
    this.longs = longs;
  }

  /** Zeros. */
  public Array(Scalar dtype, int... shape) {
    this(
        dtype,
        shape,
        dtype.kind() == Scalar.Kind.FLOAT && dtype != Scalar.F64 ? new float[size(shape)] : null,
        dtype == Scalar.F64 ? new double[size(shape)] : null,
        dtype.kind() == Scalar.Kind.FLOAT ? null : new long[size(shape)]);
  }

  static int size(int[] shape) {
    long size = 1;
    for (int dim : shape) {
      size = Math.multiplyExact(size, (long) dim);
    }
    if (size > Integer.MAX_VALUE - 8) {
      throw new Problem(
          Arrays.toString(shape) + " has more elements than the interpreter holds",
          "use another backend");
    }
    return (int) size;
  }

  /** The tensor's elements; it must not be quantised. */
  public static Array of(Tensor tensor) {
    if (!(tensor.dtype() instanceof Scalar dtype)) {
      throw new Problem(
          "the interpreter does not read the packed layout of " + tensor.type(),
          "use weights of a floating dtype");
    }
    var array = new Array(dtype, tensor.shape().stream().mapToInt(Math::toIntExact).toArray());
    var data = tensor.data();
    if (dtype == Scalar.F32 && array.floats != null) {
      MemorySegment.copy(data, Tensor.FLOAT, 0, array.floats, 0, array.floats.length);
    } else if (array.floats != null) {
      for (int i = 0; i < array.floats.length; i++) {
        array.floats[i] = (float) Elements.real(dtype, data, i);
      }
    } else if (array.doubles != null) {
      for (int i = 0; i < array.doubles.length; i++) {
        array.doubles[i] = Elements.real(dtype, data, i);
      }
    } else if (array.longs != null) {
      for (int i = 0; i < array.longs.length; i++) {
        array.longs[i] = Elements.integer(dtype, data, i);
      }
    }
    return array;
  }

  /** This array in native memory of the garbage collector's. */
  public Tensor toTensor() {
    var dims = Arrays.stream(shape).asLongStream().toArray();
    var tensor = Tensor.allocate(Arena.ofAuto(), dtype, dims);
    if (dtype == Scalar.F32 && floats != null) {
      MemorySegment.copy(floats, 0, tensor.data(), Tensor.FLOAT, 0, floats.length);
      return tensor;
    }
    for (int i = 0; i < size(); i++) {
      if (isReal()) {
        Elements.setReal(dtype, tensor.data(), i, real(i));
      } else {
        Elements.setInteger(dtype, tensor.data(), i, integer(i));
      }
    }
    return tensor;
  }

  public Scalar dtype() {
    return dtype;
  }

  public int[] shape() {
    return shape.clone();
  }

  public int rank() {
    return shape.length;
  }

  /** Dimension {@code i}; negative counts from the end. */
  public int dim(int i) {
    return shape[i < 0 ? i + shape.length : i];
  }

  public int size() {
    return floats != null ? floats.length : doubles != null ? doubles.length : longs().length;
  }

  /** The number of rows of the last dimension. */
  int rows() {
    return size(Arrays.copyOf(shape, shape.length - 1));
  }

  /** Whether the elements are floating. */
  public boolean isReal() {
    return longs == null;
  }

  private long[] longs() {
    if (longs == null) {
      throw new IllegalStateException("the elements are " + dtype);
    }
    return longs;
  }

  /** Element {@code i} as a number. */
  public double real(int i) {
    if (floats != null) {
      return floats[i];
    }
    return doubles != null ? doubles[i] : Elements.toDouble(dtype, longs()[i]);
  }

  /** Element {@code i} of an integer or bool array; {@code u64} as its bits. */
  public long integer(int i) {
    return longs()[i];
  }

  /** Element {@code i} of a bool array. */
  public boolean truth(int i) {
    return longs()[i] != 0;
  }

  /** Writes element {@code i}: rounded to a floating dtype, truncated to an integer one. */
  public void set(int i, double value) {
    if (floats != null) {
      floats[i] = dtype == Scalar.F32 ? (float) value : (float) Elements.round(dtype, value);
    } else if (doubles != null) {
      doubles[i] = value;
    } else {
      longs()[i] = Elements.truncate(dtype, value);
    }
  }

  /** Writes element {@code i} of an integer or bool array, wrapping. */
  public void set(int i, long value) {
    longs()[i] = Elements.wrap(dtype, value);
  }

  /** {@code count} elements from {@code offset} on, as numbers. */
  public double[] reals(int offset, int count) {
    var row = new double[count];
    for (int i = 0; i < count; i++) {
      row[i] = real(offset + i);
    }
    return row;
  }

  /** Row {@code i} of the last dimension. */
  double[] row(int i) {
    return reals(i * dim(-1), dim(-1));
  }

  void setRow(int i, double[] row) {
    for (int j = 0; j < row.length; j++) {
      set(i * row.length + j, row[j]);
    }
  }

  /** Σᵢ this[offset + i] · other[i], in four partial sums, which keep the adder busy. */
  double dot(int offset, double[] other) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int n = other.length;
    int i = 0;
    if (floats != null) {
      for (; i <= n - 4; i += 4) {
        a += floats[offset + i] * other[i];
        b += floats[offset + i + 1] * other[i + 1];
        c += floats[offset + i + 2] * other[i + 2];
        d += floats[offset + i + 3] * other[i + 3];
      }
    }
    for (; i < n; i++) {
      a += real(offset + i) * other[i];
    }
    return (a + b) + (c + d);
  }

  /** The array of the given shape whose element i is this one's element {@code from[i]}. */
  Array pick(int[] from, int... newShape) {
    var picked = new Array(dtype, newShape);
    if (floats != null && picked.floats != null) {
      for (int i = 0; i < from.length; i++) {
        picked.floats[i] = floats[from[i]];
      }
    } else if (doubles != null && picked.doubles != null) {
      for (int i = 0; i < from.length; i++) {
        picked.doubles[i] = doubles[from[i]];
      }
    } else {
      for (int i = 0; i < from.length; i++) {
        picked.longs()[i] = longs()[from[i]];
      }
    }
    return picked;
  }

  /** The same elements under another shape. */
  Array reshaped(int... newShape) {
    if (size(newShape) != size()) {
      throw new Problem(
          "%s elements do not fill %s".formatted(size(), Arrays.toString(newShape)), "");
    }
    return new Array(dtype, newShape, floats, doubles, longs);
  }

  /** The elements converted to another dtype. */
  Array cast(Scalar to) {
    if (to == dtype) {
      return this;
    }
    var cast = new Array(to, shape);
    for (int i = 0; i < size(); i++) {
      if (!isReal() && !cast.isReal()) {
        cast.set(i, integer(i));
      } else {
        cast.set(i, real(i));
      }
    }
    return cast;
  }

  @Override
  public long bytes() {
    return (long) size() * (floats != null ? Float.BYTES : Long.BYTES);
  }

  /** The dimensions for messages. */
  List<Integer> dims() {
    return Arrays.stream(shape).boxed().toList();
  }

  @Override
  public String toString() {
    return dtype + dims().toString();
  }
}
