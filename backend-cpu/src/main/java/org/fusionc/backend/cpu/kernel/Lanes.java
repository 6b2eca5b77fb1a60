package org.fusionc.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads and stores of whole vectors, and of the partial vector at the end of a row, by absolute
 * address.
 *
 * <p>Addresses go through one segment that spans all memory: its bounds check folds to nothing, and
 * every access has the same receiver type, so the compiler sees plain vector moves. Partial vectors
 * are moved element by element, because a masked load of 16-bit elements may be compiled to a full
 * load and then touch memory past the end.
 *
 * <p>Rules that keep a kernel in registers, learnt by measuring: a method holds no more than about
 * forty vector operations, for beyond that the compiler stops inlining all but the API's own
 * methods (larger ones therefore call the API directly); and vectors never meet at the end of a
 * branch, only at the head of a loop.
 */
final class Lanes {

  static final VectorSpecies<Float> F32 =
      FloatVector.SPECIES_PREFERRED.vectorBitSize() < 128
          ? FloatVector.SPECIES_128
          : FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> I32 = VectorSpecies.of(int.class, F32.vectorShape());
  static final VectorSpecies<Short> I16 =
      VectorSpecies.of(short.class, VectorShape.forBitSize(F32.vectorBitSize() / 2));

  /** Lanes of an f32 vector. */
  static final int COUNT = F32.length();

  /** Bytes of an f32 vector. */
  static final int BYTES = COUNT * Float.BYTES;

  @SuppressWarnings("restricted") // every kernel checked the sizes of its segments before
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);

  private static final VectorShuffle<Float> SWAP_8 = swap(8);
  private static final VectorShuffle<Float> SWAP_4 = swap(4);
  static final VectorShuffle<Float> SWAP_2 = swap(2);
  static final VectorShuffle<Float> SWAP_1 = swap(1);

  /** Exchanges the lanes of each pair. */
  static final VectorShuffle<Float> SWAP_PAIRS = SWAP_1;

  private Lanes() {}

  static VectorShuffle<Float> swap(int distance) {
    return VectorShuffle.fromOp(F32, lane -> (lane ^ distance) % F32.length());
  }

  static FloatVector zero() {
    return FloatVector.zero(F32);
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(F32, ALL, address, ORDER);
  }

  static void store(FloatVector vector, long address) {
    vector.intoMemorySegment(ALL, address, ORDER);
  }

  static FloatVector loadBf16(long address) {
    return ((IntVector)
            ShortVector.fromMemorySegment(I16, ALL, address, ORDER)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, I32, 0))
        .lanewise(VectorOperators.LSHL, 16)
        .reinterpretAsFloats();
  }

  /**
   * Exponent and fraction of the half land in the float's fields when moved up by 13 bits; the
   * product with 2^112 then mends the exponent's bias, and makes halves that are subnormal normal.
   * Where the half's exponent bits were all set (infinity, NaN), all bits of the float's are set.
   */
  static FloatVector loadF16(long address) {
    IntVector fields =
        ((IntVector)
                ShortVector.fromMemorySegment(I16, ALL, address, ORDER)
                    .convertShape(VectorOperators.S2I, I32, 0))
            .lanewise(VectorOperators.LSHL, 13)
            .and(0x8FFF_E000);
    VectorMask<Integer> special = fields.and(0x0F80_0000).compare(VectorOperators.EQ, 0x0F80_0000);
    IntVector finite = fields.reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
    return finite.blend(finite.or(0x7F80_0000), special).reinterpretAsFloats();
  }

  /** The first {@code count} lanes from memory, the others 0. */
  static FloatVector loadTail(long address, int count) {
    float[] lanes = new float[COUNT];
    for (int i = 0; i < count; i++) {
      lanes[i] = get(address + (long) i * Float.BYTES);
    }
    return FloatVector.fromArray(F32, lanes, 0);
  }

  static FloatVector loadTail(long address, FloatFormat format, int count) {
    float[] lanes = new float[COUNT];
    for (int i = 0; i < count; i++) {
      lanes[i] = get(address, format, i);
    }
    return FloatVector.fromArray(F32, lanes, 0);
  }

  static void storeTail(FloatVector vector, long address, int count) {
    float[] lanes = new float[COUNT];
    vector.intoArray(lanes, 0);
    for (int i = 0; i < count; i++) {
      set(address + (long) i * Float.BYTES, lanes[i]);
    }
  }

  /**
   * The sum of the lanes, halving the vector each time. {@code reduceLanes} would leave the order
   * open, and interpreted and compiled code do differ in it.
   */
  static float sum(FloatVector vector) {
    FloatVector sum = vector;
    if (COUNT > 8) {
      sum = sum.add(sum.rearrange(SWAP_8));
    }
    if (COUNT > 4) {
      sum = sum.add(sum.rearrange(SWAP_4));
    }
    sum = sum.add(sum.rearrange(SWAP_2));
    sum = sum.add(sum.rearrange(SWAP_1));
    return sum.lane(0);
  }

  /** The largest lane; the order of a maximum does not matter. */
  static float max(FloatVector vector) {
    return vector.reduceLanes(VectorOperators.MAX);
  }

  static float get(long address) {
    return ALL.get(FLOAT, address);
  }

  static void set(long address, float value) {
    ALL.set(FLOAT, address, value);
  }

  /** Element {@code index} of a row in any format. */
  static float get(long address, FloatFormat format, long index) {
    long at = address + index * format.bytes();
    return switch (format) {
      case F32 -> get(at);
      case F16 -> getF16(at);
      case BF16 -> getBf16(at);
    };
  }

  static float getBf16(long address) {
    return Float.intBitsToFloat(ALL.get(SHORT, address) << 16);
  }

  static float getF16(long address) {
    return Float.float16ToFloat(ALL.get(SHORT, address));
  }

  static void setF16(long address, float value) {
    ALL.set(SHORT, address, Float.floatToFloat16(value));
  }

  static void setInt(long address, int value) {
    ALL.set(INT, address, value);
  }

  static int getInt(long address) {
    return ALL.get(INT, address);
  }

  /** 16 bits without a sign. */
  static int getShort(long address) {
    return ALL.get(SHORT, address) & 0xFFFF;
  }

  static void setShort(long address, int value) {
    ALL.set(SHORT, address, (short) value);
  }

  static long getLong(long address) {
    return ALL.get(LONG, address);
  }

  static void setLong(long address, long value) {
    ALL.set(LONG, address, value);
  }

  /** {@code size} rounded up to whole vectors. */
  static int roundUp(int size) {
    return (size + COUNT - 1) / COUNT * COUNT;
  }
}
