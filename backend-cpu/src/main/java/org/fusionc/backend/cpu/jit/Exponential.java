package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Writes e^x and what is made of it, lane by lane, with a relative error of about 1e-7: {@code x =
 * n ln 2 + r} with an integer n, and a polynomial in r.
 *
 * <p>e^0 is exactly 1, and e^-∞ exactly 0. Results below the smallest normal number may be 0.
 */
final class Exponential {
  /** To the nearest, halves to even, and no exceptions. */
  private static final int NEAREST = 8;

  private final Code c;
  private final Gp constants;
  private final Vec n;

  /**
   * Puts the address of the constants into a register.
   *
   * @param n working memory
   */
  Exponential(Code c, Gp constants, Vec n) {
    this.c = c;
    this.constants = constants;
    this.n = n;
    c.asm.mov(constants, Constant.address());
  }

  Operand.Address at(Constant constant) {
    return constant.at(constants);
  }

  /** {@code to = e^x}; x is lost. */
  void exp(Vec to, Vec x) {
    reduce(to, x);
    c.emit(VADDPS, to, to, at(Constant.ONE));
    if (c.target.isAvx512()) {
      c.emit(VSCALEFPS, to, to, n);
    } else {
      power();
      c.emit(VMULPS, to, to, n);
    }
  }

  /** {@code to = tanh(x)}, with a relative error of a few ulp; x is lost. */
  void tanh(Vec to, Vec x, Vec sign) {
    // With m = e^(-2|x|) - 1, tanh |x| is -m / (m + 2).
    c.emit(VANDPS, sign, x, at(Constant.SIGN));
    c.emit(VORPS, x, x, at(Constant.SIGN));
    c.emit(VADDPS, x, x, x);
    reduce(to, x);
    if (c.target.isAvx512()) {
      c.load(x, at(Constant.ONE));
      c.emit(VSCALEFPS, n, x, n);
    } else {
      power();
    }
    c.emit(VSUBPS, x, n, at(Constant.ONE));
    c.emit(VFMADD213PS, to, n, x);
    c.emit(VADDPS, x, to, at(Constant.TWO));
    c.emit(VORPS, to, to, at(Constant.SIGN));
    c.emit(VXORPS, to, to, at(Constant.SIGN));
    c.emit(VDIVPS, to, to, x);
    c.emit(VORPS, to, to, sign);
  }

  /** {@code to = e^r - 1}, and {@link #n}. */
  private void reduce(Vec to, Vec x) {
    // The second operand is what minima and maxima give where there is a NaN.
    c.load(n, at(Constant.EXP_LOWEST));
    c.emit(VMAXPS, x, n, x);
    c.load(n, at(Constant.EXP_HIGHEST));
    c.emit(VMINPS, x, n, x);
    c.emit(VMULPS, n, x, at(Constant.LOG2_E));
    c.emit(c.target.isAvx512() ? VRNDSCALEPS : VROUNDPS, n, n, Operand.imm(NEAREST));
    c.emit(VFNMADD231PS, x, n, at(Constant.LN2_HIGH));
    c.emit(VFNMADD231PS, x, n, at(Constant.LN2_LOW));
    c.load(to, at(Constant.EXP_6));
    c.emit(VFMADD213PS, to, x, at(Constant.EXP_5));
    c.emit(VFMADD213PS, to, x, at(Constant.EXP_4));
    c.emit(VFMADD213PS, to, x, at(Constant.EXP_3));
    c.emit(VFMADD213PS, to, x, at(Constant.HALF));
    c.emit(VMULPS, to, to, x);
    c.emit(VFMADD213PS, to, x, x);
  }

  /** {@code n = 2^n}, 0 where that is below the normal numbers. */
  private void power() {
    c.emit(VCVTPS2DQ, n, n);
    c.emit(VPADDD, n, n, at(Constant.EXPONENT_BIAS));
    c.emit(VPMAXSD, n, n, at(Constant.ZERO));
    c.emit(VPSLLD, n, n, Operand.imm(23));
  }
}
