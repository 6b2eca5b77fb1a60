package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: {@code gate · sigmoid(s) · up} over whole vectors, where s is the gate itself
 * (SwiGLU) or what makes it GELU's approximation by the hyperbolic tangent.
 */
record GatedRow(Target target, boolean gelu) implements Kernels.Description {
  private static final float CUBIC = 0.044715f;
  private static final float MINUS_TWO_ROOT_TWO_OVER_PI = -1.595769f;

  /**
   * Computes.
   *
   * @param gate f32, whole vectors
   * @param up as many
   * @param y as many; may be one of them
   * @param vectors at least 1
   */
  static void run(MachineCode code, long gate, long up, long y, long vectors) {
    code.call(gate, up, y, vectors, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(target, 2);
    var asm = c.asm;
    Gp at = c.gp();
    var exponential = new Exponential(c, c.gp(), c.vec());
    Vec gate = c.vec();
    Vec x = c.vec();
    Vec y = c.vec();
    Vec cubic = c.vec();
    Vec factor = c.vec();
    if (gelu) {
      c.repeat(cubic, at, Float.floatToRawIntBits(CUBIC));
      c.repeat(factor, at, Float.floatToRawIntBits(MINUS_TWO_ROOT_TWO_OVER_PI));
    }
    asm.mov(at, 0);
    asm.align(32);
    var loop = asm.here();
    c.load(gate, Address.at(c.argument(0), at, 1, 0));
    if (gelu) {
      c.emit(VMULPS, x, gate, gate);
      c.emit(VFMADD213PS, x, cubic, exponential.at(Constant.ONE));
      c.emit(VMULPS, x, x, gate);
      c.emit(VMULPS, x, x, factor);
    } else {
      c.emit(VXORPS, x, gate, exponential.at(Constant.SIGN));
    }
    exponential.exp(y, x);
    c.emit(VADDPS, y, y, exponential.at(Constant.ONE));
    c.emit(VDIVPS, y, gate, y);
    c.emit(VMULPS, y, y, Address.at(c.argument(1), at, 1, 0));
    c.store(Address.at(c.argument(2), at, 1, 0), y);
    asm.add(at, target.vector());
    asm.sub(c.argument(3), 1);
    asm.jcc(Condition.NE, loop);
    return c.finish();
  }
}
