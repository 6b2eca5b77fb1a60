package org.fusionc.backend.cpu.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Vectors of small integers as floats. */
final class SmallIntegers {
  private static final int COUNT = Lanes.COUNT;

  /** As many bytes as a vector has lanes; of four, there is no such vector. */
  private static final VectorSpecies<Byte> I8 =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, COUNT * Byte.SIZE)));

  private static final IntVector NIBBLE_AT = IntVector.fromArray(Lanes.I32, places(8, 4), 0);
  private static final IntVector BYTE_AT = IntVector.fromArray(Lanes.I32, places(4, 8), 0);
  private static final VectorMask<Integer> UPPER =
      VectorMask.fromLong(Lanes.I32, COUNT > 8 ? -1L << 8 : 0);

  private SmallIntegers() {}

  /** Where lane i's integer begins in 32 bits that hold {@code count} of them. */
  private static int[] places(int count, int bits) {
    int[] places = new int[COUNT];
    for (int i = 0; i < COUNT; i++) {
      places[i] = i % count * bits;
    }
    return places;
  }

  /** Unsigned 4-bit integers, the first in the low bits of the first byte. */
  static FloatVector nibbles(long address) {
    IntVector packed;
    if (COUNT == 16) {
      long both = Lanes.getLong(address);
      packed = IntVector.broadcast(Lanes.I32, (int) both).blend((int) (both >>> 32), UPPER);
    } else if (COUNT == 8) {
      packed = IntVector.broadcast(Lanes.I32, Lanes.getInt(address));
    } else {
      packed = IntVector.broadcast(Lanes.I32, Lanes.getShort(address));
    }
    return (FloatVector)
        packed.lanewise(VectorOperators.LSHR, NIBBLE_AT).and(15).convert(VectorOperators.I2F, 0);
  }

  /** Signed bytes, or what the mask leaves of them. */
  static FloatVector bytes(long address, int mask) {
    IntVector integers;
    if (COUNT >= 8) {
      integers =
          (IntVector)
              ByteVector.fromMemorySegment(I8, Lanes.ALL, address, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.I32, 0);
    } else {
      integers =
          IntVector.broadcast(Lanes.I32, Lanes.getInt(address))
              .lanewise(VectorOperators.LSHR, BYTE_AT)
              .lanewise(VectorOperators.LSHL, 24)
              .lanewise(VectorOperators.ASHR, 24);
    }
    return (FloatVector) integers.and(mask).convert(VectorOperators.I2F, 0);
  }
}
