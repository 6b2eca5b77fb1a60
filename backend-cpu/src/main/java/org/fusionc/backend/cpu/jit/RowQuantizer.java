package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: whole groups of f32 activations to int8, in the row format of {@link
 * IntegerFormat}.
 *
 * <p>The scale of a group is its largest magnitude over 127; integers are rounded to the nearest,
 * halves to even.
 *
 * @param zero the weights' zero, by which the start of the sums is made
 */
record RowQuantizer(Target target, int group, int zero, boolean asymmetric)
    implements Kernels.Description {

  /** A group of nothing but zeros has this magnitude, so that nothing is divided by 0. */
  private static final float SMALLEST = 1e-30f;

  static RowQuantizer of(IntegerFormat format) {
    return new RowQuantizer(
        format.target(), format.group(), format.zero(), format.type().asymmetric());
  }

  /**
   * Quantises.
   *
   * @param x f32 [groups · group]
   * @param row where the groups go
   */
  static void run(MachineCode code, long x, long row, long groups) {
    code.call(x, row, groups, 0, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(target, 1);
    var asm = c.asm;
    Gp x = c.argument(0);
    Gp row = c.argument(1);
    Gp count = c.argument(2);
    Gp temporary = c.gp();
    int head = asymmetric ? 12 : 8;
    int vectors = group / target.lanes();
    Vec magnitude = c.vec();
    Vec most = c.vec();
    Vec other = c.vec();
    Vec largest = c.vec();
    Vec smallest = c.vec();
    Vec sum = c.vec();
    Vec value = c.vec();
    Vec scale = c.vec();
    Vec factor = c.vec();
    c.repeat(magnitude, temporary, 0x7FFF_FFFF);
    c.repeat(largest, temporary, Float.floatToRawIntBits(127f));
    c.repeat(smallest, temporary, Float.floatToRawIntBits(SMALLEST));
    var done = new Label();
    asm.test(count, count);
    asm.jcc(Condition.E, done);
    asm.align(32);
    var loop = asm.here();
    for (int v = 0; v < vectors; v++) {
      c.emit(VANDPS, v == 0 ? most : other, magnitude, Address.at(x, v * target.vector()));
      if (v > 0) {
        c.emit(VMAXPS, most, most, other);
      }
    }
    c.fold(most, other, VMAXPS);
    c.emit(VMAXPS, most, most, smallest);
    c.emit(VDIVPS, scale, most, largest);
    c.emit(VDIVPS, factor, largest, most);
    c.emit(VMOVSS_STORE, Address.at(row, 4), scale.as(16));
    c.zero(sum);
    for (int v = 0; v < vectors; v++) {
      c.emit(VMULPS, value, factor, Address.at(x, v * target.vector()));
      c.emit(VCVTPS2DQ, value, value);
      c.emit(VPADDD, sum, sum, value);
      storeBytes(c, Address.at(row, head + v * target.lanes()), value, other);
    }
    c.fold(sum, other, VPADDD);
    if (asymmetric) {
      c.emit(VCVTDQ2PS, other, sum);
      c.emit(VMULPS, other, other, scale);
      c.emit(VMOVSS_STORE, Address.at(row, 8), other.as(16));
    }
    asm.mov(temporary, -zero & 0xFFFF_FFFFL);
    c.emit(VMOVD, other.as(16), temporary);
    c.emit(VPMULLD, sum.as(16), sum.as(16), other.as(16));
    c.emit(VMOVD_STORE, Address.at(row), sum.as(16));
    asm.add(x, 4 * group);
    asm.add(row, head + group);
    asm.sub(count, 1);
    asm.jcc(Condition.NE, loop);
    asm.bind(done);
    return c.finish();
  }

  private void storeBytes(Code c, Address to, Vec integers, Vec other) {
    if (target.isAvx512()) {
      c.emit(VPMOVDB, to, integers);
      return;
    }
    // 8 integers in two halves: to words, then bytes, within the halves' order.
    c.emit(VEXTRACTF128, other.as(16), integers, Operand.imm(1));
    c.emit(VPACKSSDW, other.as(16), integers.as(16), other.as(16));
    c.emit(VPACKSSWB, other.as(16), other.as(16), other.as(16));
    c.emit(VMOVD_STORE, to, other.as(16));
    c.emit(VPSHUFD, other.as(16), other.as(16), Operand.imm(1));
    c.emit(VMOVD_STORE, to.plus(4), other.as(16));
  }
}
