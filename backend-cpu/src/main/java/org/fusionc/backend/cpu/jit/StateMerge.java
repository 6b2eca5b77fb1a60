package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: takes the states of rows after the next chunk into those so far. Where one of
 * them is of nothing, the result is the other, to the bit.
 */
record StateMerge(AttentionLayout layout) implements Kernels.Description {

  /**
   * Merges.
   *
   * @param states of the rows so far, and the result
   * @param others of the next chunk
   * @param rows at least 1
   */
  static void run(MachineCode code, long states, long others, long rows) {
    code.call(states, others, rows, 0, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(layout.target(), 1);
    var asm = c.asm;
    Gp state = c.argument(0);
    Gp other = c.argument(1);
    Vec n = c.vec();
    var exponential = new Exponential(c, c.gp(), n);
    Vec largest = c.vec();
    Vec kept = c.vec();
    Vec added = c.vec();
    Vec x = c.vec();
    Vec y = c.vec();
    int at = layout.largestAt();
    var loop = asm.here();
    c.repeat(x, Address.at(state, at));
    c.repeat(y, Address.at(other, at));
    c.emit(VMAXPS, largest, x, y);
    c.emit(VMOVSS_STORE, Address.at(state, at), largest.as(16));
    c.emit(VMAXPS, largest, largest, exponential.at(Constant.LEAST));
    c.emit(VSUBPS, x, x, largest);
    c.emit(VSUBPS, y, y, largest);
    exponential.exp(kept, x);
    exponential.exp(added, y);
    c.repeat(x, Address.at(state, at + 4));
    c.repeat(y, Address.at(other, at + 4));
    c.emit(VMULPS, x, x, kept);
    c.emit(VFMADD231PS, x, y, added);
    c.emit(VMOVSS_STORE, Address.at(state, at + 4), x.as(16));
    for (int v = 0; v < layout.valueVectors(); v++) {
      int place = v * layout.target().vector();
      c.emit(VMULPS, x, kept, Address.at(state, place));
      c.emit(VFMADD231PS, x, added, Address.at(other, place));
      c.store(Address.at(state, place), x);
    }
    asm.add(state, layout.stateBytes());
    asm.add(other, layout.stateBytes());
    asm.sub(c.argument(2), 1);
    asm.jcc(Condition.NE, loop);
    return c.finish();
  }
}
