package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: a row of scores to weights {@code e^(score - largest)}, 0 for what the row
 * does not see, with the largest score and the sum of weights.
 *
 * @param capped whether scores are limited: {@code cap · tanh(score / cap)}
 * @param sloped whether scores fall with the distance
 */
record WeightRow(Target target, boolean capped, boolean sloped) implements Kernels.Description {

  /**
   * Bytes of the extras: 1 / cap, cap, slope, and how far the first score is from the row's own.
   */
  static final int EXTRA_BYTES = 16;

  /**
   * Weighs.
   *
   * @param row f32, whole groups
   * @param vectors how many vectors; at least 1
   * @param result f32 [2], the largest score (negative infinity of none) and the sum of weights
   * @param from the first position that the row sees, the first score's being 0
   * @param to after the last one
   * @param extras f32 [4], read if there is a cap or a slope
   */
  static void run(
      MachineCode code, long row, long vectors, long result, long from, long to, long extras) {
    code.call(row, vectors, result, from, to, extras);
  }

  @Override
  public byte[] generate() {
    var c = new Code(target, 3);
    var asm = c.asm;
    Gp row = c.argument(0);
    Gp extras = c.argument(5);
    Gp at = c.gp();
    Gp count = c.gp();
    Vec n = c.vec();
    var exponential = new Exponential(c, c.gp(), n);
    Vec low = c.vec();
    Vec high = c.vec();
    Vec largest = c.vec();
    Vec score = c.vec();
    Vec other = c.vec();
    Vec index = c.vec();
    Vec slope = c.vec();
    Vec sign = c.vec();
    // What a row sees lies between two bounds; to each belongs a distance that is positive inside.
    c.load(index, exponential.at(Constant.INDEX));
    number(c, low, c.argument(3));
    c.emit(VSUBPS, low, index, low);
    c.emit(VADDPS, low, low, exponential.at(Constant.HALF));
    number(c, high, c.argument(4));
    c.emit(VSUBPS, high, high, index);
    c.emit(VSUBPS, high, high, exponential.at(Constant.HALF));
    if (sloped) {
      c.repeat(slope, Address.at(extras, 8));
      c.repeat(other, Address.at(extras, 12));
      c.emit(VADDPS, index, index, other);
    }
    c.load(largest, exponential.at(Constant.NEGATIVE_INFINITY));
    var lanes =
        exponential.at(target.isAvx512() ? Constant.LANE_COUNT_512 : Constant.LANE_COUNT_256);
    asm.mov(at, row);
    asm.mov(count, c.argument(1));
    asm.align(32);
    var scores = asm.here();
    c.load(score, Address.at(at));
    if (capped) {
      c.repeat(other, Address.at(extras));
      c.emit(VMULPS, score, score, other);
      exponential.tanh(other, score, sign);
      c.repeat(score, Address.at(extras, 4));
      c.emit(VMULPS, score, score, other);
    }
    if (sloped) {
      c.emit(VFMADD231PS, score, slope, index);
      c.emit(VADDPS, index, index, lanes);
    }
    c.emit(VMINPS, other, low, high);
    c.emit(VMULPS, other, other, exponential.at(Constant.INFINITY));
    // A minimum with a NaN is its second operand: what is not seen may be one.
    c.emit(VMINPS, score, score, other);
    c.store(Address.at(at), score);
    c.emit(VMAXPS, largest, largest, score);
    c.emit(VADDPS, low, low, lanes);
    c.emit(VSUBPS, high, high, lanes);
    asm.add(at, target.vector());
    asm.sub(count, 1);
    asm.jcc(Condition.NE, scores);
    c.fold(largest, other, VMAXPS);
    c.emit(VMOVSS_STORE, Address.at(c.argument(2)), largest.as(16));
    c.emit(VMAXPS, largest, largest, exponential.at(Constant.LEAST));
    Vec sum = low;
    Vec weight = high;
    c.zero(sum);
    asm.mov(count, c.argument(1));
    asm.align(32);
    var weights = asm.here();
    c.load(score, Address.at(row));
    c.emit(VSUBPS, score, score, largest);
    exponential.exp(weight, score);
    c.store(Address.at(row), weight);
    c.emit(VADDPS, sum, sum, weight);
    asm.add(row, target.vector());
    asm.sub(count, 1);
    asm.jcc(Condition.NE, weights);
    c.fold(sum, other, VADDPS);
    c.emit(VMOVSS_STORE, Address.at(c.argument(2), 4), sum.as(16));
    return c.finish();
  }

  /** An integer as f32 in all lanes. */
  private static void number(Code c, Vec to, Gp integer) {
    c.emit(VMOVD, to.as(16), integer);
    c.emit(VPBROADCASTD, to, to.as(16));
    c.emit(VCVTDQ2PS, to, to);
  }
}
