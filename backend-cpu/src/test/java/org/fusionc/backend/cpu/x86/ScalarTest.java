package org.fusionc.backend.cpu.x86;

import java.nio.file.Path;
import java.util.Locale;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Arithmetic;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Prefetch;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Shift;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scalar instructions over all registers and addressing modes, against binutils. */
class ScalarTest {
  private static final int[] NUMBERS = {0, 1, -1, 127, 128, -128, -129, 0x1234_5678};

  @TempDir Path folder;

  private final Listing listing = new Listing();

  static String name(Gp gp) {
    return gp.name().toLowerCase(Locale.ROOT);
  }

  static String name32(Gp gp) {
    return gp.number() > 7 ? name(gp) + "d" : "e" + name(gp).substring(1);
  }

  static String name16(Gp gp) {
    return gp.number() > 7 ? name(gp) + "w" : name(gp).substring(1);
  }

  static String text(Address address) {
    var index = address.index();
    return "["
        + name(address.base())
        + (index == null ? "" : "+" + name(index) + "*" + address.scale())
        + (address.displacement() < 0 ? "" : "+")
        + address.displacement()
        + "]";
  }

  @Test
  void encodesAsBinutilsDoes() throws Exception {
    for (var a : Gp.values()) {
      one(a);
      for (var b : Gp.values()) {
        two(a, b);
        if (b != Gp.RSP) {
          for (int scale : new int[] {1, 2, 4, 8}) {
            memory(Gp.RDX, Address.at(a, b, scale, 0));
            memory(Gp.R9, Address.at(a, b, scale, 8));
            memory(Gp.R15, Address.at(a, b, scale, -1000));
          }
        }
      }
      for (int displacement : NUMBERS) {
        memory(Gp.RSI, Address.at(a, displacement));
        memory(Gp.R8, Address.at(a, displacement));
      }
    }
    listing.add("ret", Assembler::ret);
    listing.add("cpuid", Assembler::cpuid);
    listing.add("xgetbv", Assembler::xgetbv);
    listing.add("vzeroupper", Assembler::vzeroupper);
    listing.check(folder);
  }

  private void one(Gp a) {
    listing.add("push " + name(a), s -> s.push(a));
    listing.add("pop " + name(a), s -> s.pop(a));
    for (var shift : Shift.values()) {
      for (int by : new int[] {2, 5, 31, 63}) {
        listing.add(lower(shift) + " " + name(a) + ", " + by, s -> s.shift(shift, a, by));
      }
    }
    for (int number : NUMBERS) {
      for (var op : Arithmetic.values()) {
        listing.add(lower(op) + " " + name(a) + ", " + number, s -> s.arithmetic(op, a, number));
      }
      listing.add("imul " + name(a) + ", r11, " + number, s -> s.imul(a, Gp.R11, number));
      listing.add(
          number >= 0 ? "mov " + name32(a) + ", " + number : "mov " + name(a) + ", " + number,
          s -> s.mov(a, number));
    }
    listing.add("mov " + name32(a) + ", 0xFFFFFFFF", s -> s.mov(a, 0xFFFF_FFFFL));
    listing.add(
        "movabs " + name(a) + ", 0x123456789ABCDEF0", s -> s.mov(a, 0x1234_5678_9ABC_DEF0L));
  }

  private void two(Gp a, Gp b) {
    listing.add("{load} mov " + name(a) + ", " + name(b), s -> s.mov(a, b));
    listing.add("test " + name(a) + ", " + name(b), s -> s.test(a, b));
    listing.add("imul " + name(a) + ", " + name(b), s -> s.imul(a, b));
    for (var op : Arithmetic.values()) {
      listing.add(
          "{load} " + lower(op) + " " + name(a) + ", " + name(b), s -> s.arithmetic(op, a, b));
    }
  }

  private void memory(Gp a, Address address) {
    String at = text(address);
    listing.add("mov " + name(a) + ", " + at, s -> s.mov(a, address));
    listing.add("mov " + at + ", " + name(a), s -> s.mov(address, a));
    listing.add("mov " + name32(a) + ", " + at, s -> s.mov32(a, address));
    listing.add("mov " + at + ", " + name32(a), s -> s.mov32(address, a));
    listing.add("mov " + at + ", " + name16(a), s -> s.mov16(address, a));
    listing.add("lea " + name(a) + ", " + at, s -> s.lea(a, address));
    listing.add("add " + name(a) + ", " + at, s -> s.arithmetic(Arithmetic.ADD, a, address));
    for (var hint : Prefetch.values()) {
      listing.add("prefetch" + lower(hint) + " " + at, s -> s.prefetch(hint, address));
    }
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
