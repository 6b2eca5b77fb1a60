package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.kernel.FloatFormat;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: writes the keys of one token, a column each of their groups. Halves are
 * rounded to the nearest, ties to even.
 */
record KeyWriter(AttentionLayout layout) implements Kernels.Description {
  /** Elements that are done at a time. */
  private static final int STEP = 8;

  /**
   * Writes.
   *
   * @param x f32 [heads, keyDim]
   * @param column of the first head's group
   * @param heads at least 1
   * @param headBytes from one head's group to the next one's
   */
  static void run(MachineCode code, long x, long column, long heads, long headBytes) {
    code.call(x, column, heads, headBytes, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(layout.target(), 3);
    var asm = c.asm;
    Gp x = c.argument(0);
    Gp column = c.argument(1);
    Gp to = c.gp();
    Gp count = c.gp();
    Gp bits = c.gp();
    Vec half = c.vec().as(16);
    var loop = asm.here();
    asm.mov(to, column);
    int whole = layout.keyDim() / STEP;
    if (whole > 0) {
      asm.mov(count, whole);
      var inner = asm.here();
      for (int i = 0; i < STEP; i++) {
        element(c, x, to, i, bits, half);
      }
      asm.add(x, STEP * Float.BYTES);
      asm.add(to, STEP * layout.keyStepBytes());
      asm.sub(count, 1);
      asm.jcc(Condition.NE, inner);
    }
    int rest = layout.keyDim() % STEP;
    for (int i = 0; i < rest; i++) {
      element(c, x, to, i, bits, half);
    }
    asm.add(x, rest * Float.BYTES);
    asm.add(column, c.argument(3));
    asm.sub(c.argument(2), 1);
    asm.jcc(Condition.NE, loop);
    return c.finish();
  }

  private void element(Code c, Gp x, Gp to, int i, Gp bits, Vec half) {
    var from = Address.at(x, i * Float.BYTES);
    var column = Address.at(to, i * layout.keyStepBytes());
    if (layout.format() == FloatFormat.F32) {
      c.asm.mov32(bits, from);
      c.asm.mov32(column, bits);
      return;
    }
    c.emit(VMOVSS, half, from);
    c.emit(VCVTPS2PH, half, half, Operand.imm(0));
    c.emit(VMOVD_STORE, bits, half);
    c.asm.mov16(column, bits);
  }
}
