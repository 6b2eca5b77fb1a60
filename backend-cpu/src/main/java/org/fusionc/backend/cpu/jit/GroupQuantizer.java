package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.kernel.GroupPacking;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.QuantizedLayout;

/**
 * Describes a kernel: whole groups of f32 weights to small integers with f16 scales, and minima, in
 * the form that artifacts keep. The arithmetic is that of the op {@code quantize}, bit for bit:
 *
 * <pre>
 * min   = f16(least) if asymmetric, else 0
 * scale = f16((most - min) / 15 or 255), f16(x of the largest |x| / -8) or f16(most |x| / 127)
 * q     = nearest((x - min) / scale), within the integers' range; 0 if the scale is
 * </pre>
 *
 * <p>It says whether all numbers were finite; if not, its results are of no use.
 */
record GroupQuantizer(Target target, DType.Quantized type) implements Kernels.Description {
  private static final float F16_MAX = 65504;

  /** Byte by byte: between what is below 256 and what the saturating packs keep. */
  private static final int TURN = 0x8080_8080;

  /** The same for 32-bit integers. */
  private static final int HALF = 128;

  static GroupPacking packing(Target target, DType.Quantized type) {
    var code = Kernels.of(new GroupQuantizer(target, type));
    return (x, groups, integers, scales, minima) ->
        code.call(x, groups, integers, scales, minima, 0) == 0;
  }

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator {
    private final Target target;
    private final DType.Quantized type;
    private final Code c;
    private final int vectors;
    private final Gp x;
    private final Gp integers;
    private final Gp temporary;
    private final Gp other;
    private final Gp at;

    /** Sums of {@code 0 · x}: NaN once a number is not finite. */
    private final Vec check;

    private final Vec zero;
    private final Vec least;
    private final Vec most;
    private final Vec value;
    private final Vec spare;

    // Numbers in all lanes, for the whole kernel.
    private final Vec limit;
    private final Vec lowest;
    private final Vec low;
    private final Vec high;
    private final Vec pairs;
    private final Vec eight;
    private final Vec half;
    private final Vec turn;

    Generator(GroupQuantizer description) {
      target = description.target;
      type = description.type;
      vectors = type.group() / target.lanes();
      c = new Code(target, 3);
      x = c.argument(0);
      integers = c.argument(2);
      temporary = c.gp();
      other = c.gp();
      at = c.gp();
      check = c.vec();
      zero = c.vec();
      least = c.vec();
      most = c.vec();
      value = c.vec();
      spare = c.vec();
      limit = c.vec();
      lowest = c.vec();
      low = c.vec();
      high = c.vec();
      pairs = c.vec();
      eight = c.vec();
      half = c.vec();
      turn = c.vec();
    }

    private boolean isNarrow() {
      return type.width() == 4;
    }

    byte[] generate() {
      var asm = c.asm;
      c.zero(check);
      c.zero(zero);
      var range = new QuantizedLayout(type, 1, type.group());
      number(low, range.smallest());
      number(high, range.largest());
      number(limit, F16_MAX);
      number(lowest, -F16_MAX);
      c.repeat(pairs, temporary, 0x0010_0001);
      c.repeat(eight, temporary, 8);
      c.repeat(half, temporary, HALF);
      c.repeat(turn, temporary, TURN);
      var done = new Label();
      Gp groups = c.argument(1);
      asm.test(groups, groups);
      asm.jcc(Condition.E, done);
      asm.align(32);
      var loop = asm.here();
      extremes();
      if (type.asymmetric()) {
        toHalf(least, c.argument(4));
        c.emit(VSUBPS, most, most, least);
        c.emit(VDIVPS, most, most, high);
      } else if (isNarrow()) {
        larger();
        c.emit(VDIVPS, most, most, low);
      } else {
        c.emit(VSUBPS, least, zero, least);
        c.emit(VMAXPS, most, most, least);
        c.emit(VDIVPS, most, most, high);
      }
      toHalf(most, c.argument(3));
      divisor();
      for (int v = 0; v < vectors; v++) {
        c.load(value, Address.at(x, v * target.vector()));
        if (type.asymmetric()) {
          c.emit(VSUBPS, value, value, least);
        }
        c.emit(VDIVPS, value, value, most);
        c.emit(VMAXPS, value, value, low);
        c.emit(VMINPS, value, value, high);
        c.emit(VCVTPS2DQ, value, value);
        store(v);
      }
      asm.add(x, 4 * type.group());
      asm.add(integers, type.group() * type.width() / 8);
      asm.add(c.argument(3), 2);
      if (type.asymmetric()) {
        asm.add(c.argument(4), 2);
      }
      asm.sub(groups, 1);
      asm.jcc(Condition.NE, loop);
      asm.bind(done);
      c.fold(check, spare, VADDPS);
      c.emit(VMOVD_STORE, Gp.RAX, check.as(16));
      return c.finish();
    }

    private void number(Vec to, float number) {
      c.repeat(to, temporary, Float.floatToRawIntBits(number));
    }

    /** The least and the largest of the group in all lanes. */
    private void extremes() {
      for (int v = 0; v < vectors; v++) {
        c.load(v == 0 ? least : value, Address.at(x, v * target.vector()));
        c.emit(VFMADD231PS, check, v == 0 ? least : value, zero);
        if (v == 0) {
          c.load(most, Address.at(x));
        } else {
          c.emit(VMINPS, least, least, value);
          c.emit(VMAXPS, most, most, value);
        }
      }
      c.fold(least, spare, VMINPS);
      c.fold(most, spare, VMAXPS);
    }

    /** The extreme with the larger magnitude; of two alike, the one that comes first. */
    private void larger() {
      var asm = c.asm;
      var differ = new Label();
      c.emit(VADDPS, value, most, least);
      c.emit(VMOVD_STORE, temporary, value.as(16));
      c.emit(VPSRAD, value, value, Operand.imm(31));
      asm.test(temporary, temporary);
      asm.jcc(Condition.NE, differ);
      c.emit(VMOVD_STORE, temporary, most.as(16));
      c.emit(VMOVD_STORE, other, least.as(16));
      asm.mov(at, x);
      var first = asm.here();
      var isMost = new Label();
      Gp element = c.argument(5);
      asm.mov32(element, Address.at(at));
      asm.add(at, 4);
      asm.cmp(element, temporary);
      asm.jcc(Condition.E, isMost);
      asm.cmp(element, other);
      asm.jcc(Condition.NE, first);
      c.emit(VORPS, most, least, least);
      asm.bind(isMost);
      c.zero(value);
      asm.bind(differ);
      // All ones where the least is the larger one.
      c.emit(VANDPS, least, least, value);
      c.emit(VANDNPS, most, value, most);
      c.emit(VORPS, most, most, least);
    }

    /** Rounds to f16 within its finite numbers, zero never negative, and stores it. */
    private void toHalf(Vec number, Gp to) {
      var rounded = value.as(target.vector() / 2);
      c.emit(VMINPS, number, number, limit);
      c.emit(VMAXPS, number, number, lowest);
      c.emit(VCVTPS2PH, rounded, number, Operand.imm(0));
      c.emit(VCVTPH2PS, number, rounded);
      c.emit(VADDPS, number, number, zero);
      c.emit(VCVTPS2PH, rounded, number, Operand.imm(0));
      c.emit(VMOVD_STORE, temporary, value.as(16));
      c.asm.mov16(Address.at(to), temporary);
    }

    /** Infinity for a scale of zero: all integers are zero then. */
    private void divisor() {
      var asm = c.asm;
      var isScale = new Label();
      c.emit(VMOVD_STORE, temporary, most.as(16));
      asm.test(temporary, temporary);
      asm.jcc(Condition.NE, isScale);
      number(most, Float.POSITIVE_INFINITY);
      asm.bind(isScale);
    }

    /** Stores the integers of a vector. */
    private void store(int v) {
      var to = Address.at(integers, v * target.lanes() * type.width() / 8);
      if (isNarrow()) {
        if (!type.asymmetric()) {
          c.emit(VPADDD, value, value, eight);
        }
        nibbles(to);
      } else if (target.isAvx512()) {
        c.emit(VPMOVDB, to, value);
      } else {
        bytes(to);
      }
    }

    /** Two integers below 16 to a byte, the first in the lower half. */
    private void nibbles(Address to) {
      if (target.isAvx512()) {
        c.emit(VPMOVDW, spare.as(32), value);
        c.emit(VPMADDWD, spare.as(32), spare.as(32), pairs.as(32));
        c.emit(VPMOVDB, to, spare.as(32));
        return;
      }
      c.emit(VEXTRACTF128, spare.as(16), value, Operand.imm(1));
      c.emit(VPACKSSDW, value.as(16), value.as(16), spare.as(16));
      c.emit(VPMADDWD, value.as(16), value.as(16), pairs.as(16));
      c.emit(VPSUBD, value.as(16), value.as(16), half.as(16));
      c.emit(VPACKSSDW, value.as(16), value.as(16), value.as(16));
      turned(to, value);
    }

    /** Eight integers of 0 to 255, or of -128 to 127, to bytes. */
    private void bytes(Address to) {
      if (type.asymmetric()) {
        c.emit(VPSUBD, value, value, half);
      }
      c.emit(VEXTRACTF128, spare.as(16), value, Operand.imm(1));
      c.emit(VPACKSSDW, value.as(16), value.as(16), spare.as(16));
      if (type.asymmetric()) {
        turned(to, value);
      } else {
        c.emit(VPACKSSWB, value.as(16), value.as(16), value.as(16));
        c.emit(VMOVD_STORE, to, value.as(16));
      }
      c.emit(VPSHUFD, value.as(16), value.as(16), Operand.imm(1));
      c.emit(VMOVD_STORE, to.plus(4), value.as(16));
    }

    /** Words of -128 to 127 to bytes of 0 to 255; the first four are stored. */
    private void turned(Address to, Vec words) {
      c.emit(VPACKSSWB, words.as(16), words.as(16), words.as(16));
      c.emit(VPXOR, words.as(16), words.as(16), turn.as(16));
      c.emit(VMOVD_STORE, to, words.as(16));
    }
  }
}
