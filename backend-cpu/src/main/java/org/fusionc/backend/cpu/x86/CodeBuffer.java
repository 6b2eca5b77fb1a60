package org.fusionc.backend.cpu.x86;

import java.util.Arrays;

/** Bytes of code under construction. */
final class CodeBuffer {
  private byte[] bytes = new byte[1024];
  private int size;

  int size() {
    return size;
  }

  void put(int value) {
    if (size == bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * size);
    }
    bytes[size++] = (byte) value;
  }

  void put32(int value) {
    for (int shift = 0; shift < 32; shift += 8) {
      put(value >>> shift);
    }
  }

  void put64(long value) {
    put32((int) value);
    put32((int) (value >>> 32));
  }

  void set32(int at, int value) {
    for (int i = 0; i < 4; i++) {
      bytes[at + i] = (byte) (value >>> (8 * i));
    }
  }

  byte[] toArray() {
    return Arrays.copyOf(bytes, size);
  }

  /**
   * The ModRM byte and what follows it: index byte and displacement.
   *
   * @param unit by which a displacement of one byte is scaled: 1 but for EVEX
   */
  void modRm(int reg, Operand rm, int unit) {
    if (rm instanceof Operand.Register register) {
      put(0xC0 | (reg & 7) << 3 | (register.number() & 7));
      return;
    }
    var address = (Operand.Address) rm;
    int base = address.base().number() & 7;
    int displacement = address.displacement();
    boolean isShort = displacement % unit == 0 && isByte(displacement / unit);
    // Base 5 without a displacement means something else.
    int mode = displacement == 0 && base != 5 ? 0 : isShort ? 0x40 : 0x80;
    var index = address.index();
    if (index != null) {
      put(mode | (reg & 7) << 3 | 4);
      int scale = Integer.numberOfTrailingZeros(address.scale());
      put(scale << 6 | (index.number() & 7) << 3 | base);
    } else {
      put(mode | (reg & 7) << 3 | base);
      if (base == 4) {
        put(0x24); // base 4 announces an index byte: none
      }
    }
    if (mode == 0x40) {
      put(displacement / unit);
    } else if (mode == 0x80) {
      put32(displacement);
    }
  }

  static boolean isByte(int value) {
    return value == (byte) value;
  }
}
