package org.fusionc.ir.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.Dim;
import org.fusionc.ir.Type;

/**
 * A tensor in memory: dense, row-major, little-endian.
 *
 * @param dtype a scalar type, or a quantised type in its packed layout
 * @param shape the dimensions
 * @param data exactly the elements' bytes, aligned to 64 bytes when allocated here
 */
public record Tensor(DType dtype, List<Long> shape, MemorySegment data) {
  public static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public Tensor {
    shape = List.copyOf(shape);
    long bytes = Elements.bytes(dtype, shape);
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "%s%s takes %d bytes, not %d".formatted(dtype, shape, bytes, data.byteSize()));
    }
  }

  /** A tensor of zero bytes. */
  public static Tensor allocate(Arena arena, DType dtype, long... shape) {
    var dims = Arrays.stream(shape).boxed().toList();
    return new Tensor(dtype, dims, arena.allocate(Elements.bytes(dtype, dims), 64));
  }

  /** An {@code f32} tensor with these elements, in memory of the garbage collector's. */
  public static Tensor of(float[] elements, long... shape) {
    var tensor = allocate(Arena.ofAuto(), DType.Scalar.F32, shape);
    MemorySegment.copy(elements, 0, tensor.data, FLOAT, 0, elements.length);
    return tensor;
  }

  /** An {@code i32} tensor with these elements, in memory of the garbage collector's. */
  public static Tensor of(int[] elements, long... shape) {
    var tensor = allocate(Arena.ofAuto(), DType.Scalar.I32, shape);
    MemorySegment.copy(elements, 0, tensor.data, INT, 0, elements.length);
    return tensor;
  }

  public long elements() {
    return elements(shape);
  }

  private static long elements(List<Long> shape) {
    return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
  }

  public Type.Tensor type() {
    return new Type.Tensor(dtype, shape.stream().map(Dim::of).toList());
  }

  /** The elements of an {@code f32} tensor. */
  public float[] floats() {
    if (dtype != DType.Scalar.F32) {
      throw new IllegalStateException("the elements are " + dtype + ", not f32");
    }
    return data.toArray(FLOAT);
  }
}
