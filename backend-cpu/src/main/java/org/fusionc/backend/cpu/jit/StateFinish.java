package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: divides the states of rows by their sums of weights.
 *
 * @param sunk whether each row has a sink, a score without a value that takes weight away
 */
record StateFinish(AttentionLayout layout, boolean sunk) implements Kernels.Description {

  /**
   * Finishes.
   *
   * @param states of the rows
   * @param out f32 [rows, valueDim]
   * @param rows at least 1
   * @param sinks f32 [rows], read if there are sinks
   */
  static void run(MachineCode code, long states, long out, long rows, long sinks) {
    code.call(states, out, rows, sinks, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(layout.target(), 1);
    var asm = c.asm;
    Gp state = c.argument(0);
    Gp out = c.argument(1);
    Gp sinks = c.argument(3);
    Vec n = c.vec();
    var exponential = new Exponential(c, c.gp(), n);
    Vec factor = c.vec();
    Vec total = c.vec();
    Vec sink = c.vec();
    Vec x = c.vec();
    Vec y = c.vec();
    int at = layout.largestAt();
    var loop = asm.here();
    c.repeat(total, Address.at(state, at + 4));
    if (sunk) {
      c.repeat(x, Address.at(state, at));
      c.repeat(sink, Address.at(sinks));
      c.emit(VMAXPS, y, x, sink);
      c.emit(VSUBPS, x, x, y);
      c.emit(VSUBPS, sink, sink, y);
      exponential.exp(factor, x);
      exponential.exp(y, sink);
      c.emit(VFMADD213PS, total, factor, y);
      c.emit(VDIVPS, factor, factor, total);
      asm.add(sinks, Float.BYTES);
    } else {
      c.load(factor, exponential.at(Constant.ONE));
      c.emit(VDIVPS, factor, factor, total);
    }
    for (var piece : Piece.of(layout.target(), layout.valueDim())) {
      Vec part = x.as(piece.register());
      piece.load(c, part, Address.at(state, piece.at()));
      c.emit(VMULPS, part, part, factor.as(piece.register()));
      piece.store(c, Address.at(out, piece.at()), part);
    }
    asm.add(state, layout.stateBytes());
    asm.add(out, layout.valueDim() * Float.BYTES);
    asm.sub(c.argument(2), 1);
    asm.jcc(Condition.NE, loop);
    return c.finish();
  }
}
