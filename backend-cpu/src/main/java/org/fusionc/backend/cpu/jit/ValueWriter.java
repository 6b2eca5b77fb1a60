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
 * Describes a kernel: writes the values of one token. Halves are rounded to the nearest, ties to
 * even.
 */
record ValueWriter(AttentionLayout layout) implements Kernels.Description {

  /**
   * Writes.
   *
   * @param x f32 [heads, valueDim]
   * @param row of the first head
   * @param heads at least 1
   * @param headBytes from one head's row to the next one's
   */
  static void run(MachineCode code, long x, long row, long heads, long headBytes) {
    code.call(x, row, heads, headBytes, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(layout.target(), 1);
    var asm = c.asm;
    Gp x = c.argument(0);
    Gp row = c.argument(1);
    Gp bits = c.gp();
    Vec value = c.vec();
    Vec half = c.vec();
    var loop = asm.here();
    for (var piece : Piece.of(layout.target(), layout.valueDim())) {
      Vec part = value.as(piece.register());
      piece.load(c, part, Address.at(x, piece.at()));
      if (layout.format() == FloatFormat.F32) {
        piece.store(c, Address.at(row, piece.at()), part);
        continue;
      }
      var to = Address.at(row, piece.at() / 2);
      if (piece.bytes() > 4) {
        c.emit(VCVTPS2PH, to, part, Operand.imm(0));
      } else {
        c.emit(VCVTPS2PH, half.as(16), part, Operand.imm(0));
        c.emit(VMOVD_STORE, bits, half.as(16));
        asm.mov16(to, bits);
      }
    }
    asm.add(x, layout.valueDim() * Float.BYTES);
    asm.add(row, c.argument(3));
    asm.sub(c.argument(2), 1);
    asm.jcc(Condition.NE, loop);
    return c.finish();
  }
}
