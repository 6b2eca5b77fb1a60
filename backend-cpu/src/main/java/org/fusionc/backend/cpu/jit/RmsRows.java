package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: rows over their root mean square, after another row was added if so said.
 *
 * <p>Squares add up in four vectors of f32, taken in turns, and then across.
 *
 * @param width elements of a row
 * @param added whether there is a residual
 */
record RmsRows(Target target, int width, float eps, boolean added) implements Kernels.Description {
  private static final int CHAINS = 4;

  /**
   * Normalises.
   *
   * @param x f32 [rows, width]
   * @param residual f32 [rows, width], read if there is one
   * @param sum f32 [rows, width]; written if there is a residual
   * @param weight f32 [width]
   * @param y f32 [rows, width]
   * @param rows at least 1
   */
  static void run(
      MachineCode code, long x, long residual, long sum, long weight, long y, long rows) {
    code.call(x, residual, sum, weight, y, rows);
  }

  @Override
  public byte[] generate() {
    var c = new Code(target, 3);
    var asm = c.asm;
    Gp at = c.gp();
    Gp count = c.gp();
    Gp constants = c.gp();
    List<Vec> sums = c.vecs(CHAINS);
    List<Vec> parts = c.vecs(CHAINS);
    Vec scale = c.vec();
    Vec share = c.vec();
    Vec smallest = c.vec();
    c.repeat(share, at, Float.floatToRawIntBits(1f / width));
    c.repeat(smallest, at, Float.floatToRawIntBits(eps));
    asm.mov(constants, Constant.address());
    int step = CHAINS * target.vector();
    int whole = width * Float.BYTES / step;
    var pieces = Piece.of(target, width - whole * step / Float.BYTES);
    var loop = asm.here();
    sums.forEach(c::zero);
    over(
        c,
        at,
        count,
        whole,
        pieces,
        step,
        (piece, i, place) -> {
          Vec part = parts.get(i);
          piece.load(c, part, Address.at(c.argument(0), at, 1, place));
          if (added) {
            piece.load(c, scale, Address.at(c.argument(1), at, 1, place));
            c.emit(VADDPS, part, part, scale);
            piece.store(c, Address.at(c.argument(2), at, 1, place), part);
          }
          // Lanes past the end of a shorter piece are 0.
          c.emit(VFMADD231PS, sums.get(i), part, part);
        });
    c.emit(VADDPS, sums.get(0), sums.get(0), sums.get(1));
    c.emit(VADDPS, sums.get(2), sums.get(2), sums.get(3));
    c.emit(VADDPS, scale, sums.get(0), sums.get(2));
    c.fold(scale, sums.get(0), VADDPS);
    c.emit(VMULPS, scale, scale, share);
    c.emit(VADDPS, scale, scale, smallest);
    c.emit(VSQRTPS, scale, scale);
    c.load(sums.get(0), Constant.ONE.at(constants));
    c.emit(VDIVPS, scale, sums.get(0), scale);
    Gp from = c.argument(added ? 2 : 0);
    over(
        c,
        at,
        count,
        whole,
        pieces,
        step,
        (piece, i, place) -> {
          Vec part = parts.get(i);
          piece.load(c, part, Address.at(from, at, 1, place));
          c.emit(VMULPS, part, part, scale);
          piece.load(c, sums.get(i), Address.at(c.argument(3), at, 1, place));
          c.emit(VMULPS, part, part, sums.get(i));
          piece.store(c, Address.at(c.argument(4), at, 1, place), part);
        });
    for (int row : added ? new int[] {0, 1, 2, 4} : new int[] {0, 4}) {
      asm.add(c.argument(row), width * Float.BYTES);
    }
    asm.sub(c.argument(5), 1);
    asm.jcc(Condition.NE, loop);
    return c.finish();
  }

  /** What is done to a piece: one of {@link #CHAINS}, at {@code place} bytes from {@code at}. */
  private interface Body {
    void emit(Piece piece, int chain, int place);
  }

  /** Runs over a row: whole steps in a loop, then the pieces that are left. */
  private void over(Code c, Gp at, Gp count, int whole, List<Piece> pieces, int step, Body body) {
    c.asm.mov(at, 0);
    if (whole > 0) {
      c.asm.mov(count, whole);
      c.asm.align(32);
      var inner = c.asm.here();
      for (int i = 0; i < CHAINS; i++) {
        body.emit(new Piece(0, target.vector()), i, i * target.vector());
      }
      c.asm.add(at, step);
      c.asm.sub(count, 1);
      c.asm.jcc(Condition.NE, inner);
    }
    for (int i = 0; i < pieces.size(); i++) {
      body.emit(pieces.get(i), i % CHAINS, pieces.get(i).at());
    }
  }
}
