package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;

/** Describes a kernel: whole vectors of f32 to bf16, rounded to the nearest, halves to even. */
record HalfRounder(Target target) implements Kernels.Description {

  /**
   * Rounds.
   *
   * @param vectors how many times 16 elements; at least 1
   */
  static void run(MachineCode code, long x, long y, long vectors) {
    code.call(x, y, vectors, 0, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(target, 0);
    var wide = c.vec();
    var narrow = c.vec().as(32);
    var loop = c.asm.here();
    c.load(wide, Address.at(c.argument(0)));
    c.emit(VCVTNEPS2BF16, narrow, wide);
    c.store(Address.at(c.argument(1)), narrow);
    c.asm.add(c.argument(0), 64);
    c.asm.add(c.argument(1), 32);
    c.asm.sub(c.argument(2), 1);
    c.asm.jcc(Condition.NE, loop);
    return c.finish();
  }
}
