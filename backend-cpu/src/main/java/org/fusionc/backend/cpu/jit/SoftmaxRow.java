package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: {@code e^(x - max x) / Σ e^(x - max x)} of a row of any length.
 *
 * <p>The sum is kept with what rounding took from it (Kahan 1965), lane by lane and then across, so
 * its error does not grow with the row.
 */
record SoftmaxRow(Target target) implements Kernels.Description {

  /**
   * Computes.
   *
   * @param x f32, whole vectors
   * @param y as many; may be x
   * @param vectors how many; may be 0
   * @param tail what is left of the row, one vector, filled up with negative infinity; in place
   */
  static void run(MachineCode code, long x, long y, long vectors, long tail) {
    code.call(x, y, vectors, tail, 0, 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(target, 3);
    Gp at = c.gp();
    Gp count = c.gp();
    Gp tail = c.argument(3);
    var exponential = new Exponential(c, c.gp(), c.vec());
    Vec largest = c.vec();
    Vec score = c.vec();
    Vec weight = c.vec();
    Vec sum = c.vec();
    Vec lost = c.vec();
    Vec next = c.vec();
    c.load(largest, Address.at(tail));
    over(
        c,
        at,
        count,
        () -> {
          // A maximum with a NaN is its second operand; the sum will know of it.
          c.emit(VMAXPS, largest, largest, Address.at(c.argument(0), at, 1, 0));
        });
    c.fold(largest, score, VMAXPS);
    c.zero(sum);
    c.zero(lost);
    Runnable weigh =
        () -> {
          c.emit(VSUBPS, score, score, largest);
          exponential.exp(weight, score);
          c.emit(VSUBPS, score, weight, lost);
          c.emit(VADDPS, next, sum, score);
          c.emit(VSUBPS, lost, next, sum);
          c.emit(VSUBPS, lost, lost, score);
          c.emit(VMOVAPS, sum, next);
        };
    over(
        c,
        at,
        count,
        () -> {
          c.load(score, Address.at(c.argument(0), at, 1, 0));
          weigh.run();
          c.store(Address.at(c.argument(1), at, 1, 0), weight);
        });
    c.load(score, Address.at(tail));
    weigh.run();
    c.fold(sum, score, VADDPS);
    c.emit(VDIVPS, weight, weight, sum);
    c.store(Address.at(tail), weight);
    over(
        c,
        at,
        count,
        () -> {
          var place = Address.at(c.argument(1), at, 1, 0);
          c.load(weight, place);
          c.emit(VDIVPS, weight, weight, sum);
          c.store(place, weight);
        });
    return c.finish();
  }

  /** A pass over the whole vectors, if there are any. */
  private void over(Code c, Gp at, Gp count, Runnable body) {
    var done = new Label();
    c.asm.mov(at, 0);
    c.asm.mov(count, c.argument(2));
    c.asm.test(count, count);
    c.asm.jcc(Condition.E, done);
    c.asm.align(32);
    var loop = c.asm.here();
    body.run();
    c.asm.add(at, target.vector());
    c.asm.sub(count, 1);
    c.asm.jcc(Condition.NE, loop);
    c.asm.bind(done);
  }
}
