package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.fusionc.backend.cpu.kernel.Scratch;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;
import org.fusionc.ir.op.Activation;

/**
 * Describes a kernel: a function of each element, times another operand if it is gated.
 *
 * <p>SiLU, and GELU's approximation by the hyperbolic tangent, are {@code x · sigmoid(s)}, where s
 * is x itself or a cubic. GELU is {@code max(x, 0) - |x| · Φ(-|x|)}: so the tail keeps its relative
 * accuracy.
 */
record ActivationRow(Target target, Activation function, boolean gated)
    implements Kernels.Description {
  private static final float CUBIC = 0.044715f;
  private static final float MINUS_TWO_ROOT_TWO_OVER_PI = -1.595769f;

  /** The polynomial of the tail, the highest power first. */
  private static final List<Constant> TAIL =
      List.of(
          Constant.TAIL_9,
          Constant.TAIL_8,
          Constant.TAIL_7,
          Constant.TAIL_6,
          Constant.TAIL_5,
          Constant.TAIL_4,
          Constant.TAIL_3,
          Constant.TAIL_2,
          Constant.TAIL_1,
          Constant.TAIL_0);

  /**
   * Computes. What is left after the last whole vector goes through the same code, padded, so the
   * bits of an element do not depend on its place.
   *
   * @param code this kernel
   * @param x f32 [count]
   * @param up f32 [count], read if it is gated
   * @param y f32 [count]; may be one of them
   */
  void run(MachineCode code, long x, long up, long y, long count) {
    long vectors = count / target.lanes();
    if (vectors > 0) {
      code.call(x, up, y, vectors, 0, 0);
    }
    long done = vectors * target.vector();
    long rest = count * Float.BYTES - done;
    if (rest > 0) {
      long padded = Scratch.reserve(2L * target.vector());
      long other = padded + target.vector();
      RaggedEdges.ALL.asSlice(padded, 2L * target.vector()).fill((byte) 0);
      MemorySegment.copy(RaggedEdges.ALL, x + done, RaggedEdges.ALL, padded, rest);
      if (gated) {
        MemorySegment.copy(RaggedEdges.ALL, up + done, RaggedEdges.ALL, other, rest);
      }
      code.call(padded, other, padded, 1, 0, 0);
      MemorySegment.copy(RaggedEdges.ALL, padded, RaggedEdges.ALL, y + done, rest);
    }
  }

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator {
    private final ActivationRow row;
    private final Code c;
    private final Gp at;
    private final Exponential exponential;
    private final Vec gate;
    private final Vec x;
    private final Vec y;
    private final Vec a;
    private final Vec b;
    private final Vec d;

    Generator(ActivationRow row) {
      this.row = row;
      c = new Code(row.target, 2);
      at = c.gp();
      exponential = new Exponential(c, c.gp(), c.vec());
      gate = c.vec();
      x = c.vec();
      y = c.vec();
      a = c.vec();
      b = c.vec();
      d = c.vec();
    }

    byte[] generate() {
      var asm = c.asm;
      if (row.function == Activation.GELU_TANH) {
        c.repeat(a, at, Float.floatToRawIntBits(CUBIC));
        c.repeat(b, at, Float.floatToRawIntBits(MINUS_TWO_ROOT_TWO_OVER_PI));
      }
      asm.mov(at, 0);
      asm.align(32);
      var loop = asm.here();
      c.load(gate, Address.at(c.argument(0), at, 1, 0));
      switch (row.function) {
        case SILU -> {
          c.emit(VXORPS, x, gate, exponential.at(Constant.SIGN));
          sigmoid();
        }
        case GELU_TANH -> {
          c.emit(VMULPS, x, gate, gate);
          c.emit(VFMADD213PS, x, a, exponential.at(Constant.ONE));
          c.emit(VMULPS, x, x, gate);
          c.emit(VMULPS, x, x, b);
          sigmoid();
        }
        case GELU -> gelu();
      }
      if (row.gated) {
        c.emit(VMULPS, y, y, Address.at(c.argument(1), at, 1, 0));
      }
      c.store(Address.at(c.argument(2), at, 1, 0), y);
      asm.add(at, row.target.vector());
      asm.sub(c.argument(3), 1);
      asm.jcc(Condition.NE, loop);
      return c.finish();
    }

    /** {@code y = gate / (1 + e^x)}. */
    private void sigmoid() {
      exponential.exp(y, x);
      c.emit(VADDPS, y, y, exponential.at(Constant.ONE));
      c.emit(VDIVPS, y, gate, y);
    }

    private void gelu() {
      Vec below = a;
      Vec t = b;
      Vec tail = d;
      c.emit(VORPS, below, gate, exponential.at(Constant.SIGN));
      // The second operand is what a maximum gives where there is a NaN.
      c.load(t, exponential.at(Constant.GELU_LOWEST));
      c.emit(VMAXPS, below, t, below);
      c.emit(VMULPS, x, below, exponential.at(Constant.MINUS_HALF));
      c.emit(VMULPS, x, x, below);
      c.load(t, exponential.at(Constant.TAIL_SLOPE));
      c.emit(VFMADD213PS, t, below, exponential.at(Constant.ONE));
      c.load(tail, exponential.at(Constant.ONE));
      c.emit(VDIVPS, t, tail, t);
      c.load(tail, exponential.at(TAIL.getFirst()));
      for (var coefficient : TAIL.subList(1, TAIL.size())) {
        c.emit(VFMADD213PS, tail, t, exponential.at(coefficient));
      }
      c.emit(VMULPS, tail, tail, t);
      exponential.exp(y, x);
      c.emit(VMULPS, tail, tail, y);
      c.load(y, exponential.at(Constant.ZERO));
      c.emit(VMAXPS, y, y, gate);
      c.emit(VFMADD231PS, y, below, tail);
    }
  }
}
