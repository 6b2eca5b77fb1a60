package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: rows over their root mean square, after another row was added if so said.
 *
 * <p>Squares add up in four vectors of f32, taken in turns, and then across.
 *
 * <p>Its arguments are those of {@link RowNorms}; there is no bias.
 *
 * @param width elements of a row
 * @param added whether there is a residual
 */
record RmsRows(Target target, int width, float eps, boolean added) implements Kernels.Description {
  @Override
  public byte[] generate() {
    var c = new Code(target, 3);
    var asm = c.asm;
    Gp at = c.gp();
    Gp count = c.gp();
    Gp constants = c.gp();
    List<Vec> sums = c.vecs(RowWalk.CHAINS);
    List<Vec> parts = c.vecs(RowWalk.CHAINS);
    Vec scale = c.vec();
    Vec share = c.vec();
    Vec smallest = c.vec();
    c.repeat(share, at, Float.floatToRawIntBits(1f / width));
    c.repeat(smallest, at, Float.floatToRawIntBits(eps));
    asm.mov(constants, Constant.address());
    var row = new RowWalk(c, width, at, count);
    var loop = asm.here();
    sums.forEach(c::zero);
    row.over((piece, i, place) -> {
      Vec part = parts.get(i);
      row.load(part, piece, place, added, scale);
      // Lanes past the end of a shorter piece are 0.
      c.emit(VFMADD231PS, sums.get(i), part, part);
    });
    row.total(scale, sums);
    c.emit(VMULPS, scale, scale, share);
    c.emit(VADDPS, scale, scale, smallest);
    c.emit(VSQRTPS, scale, scale);
    c.load(sums.get(0), Constant.ONE.at(constants));
    c.emit(VDIVPS, scale, sums.get(0), scale);
    Gp from = c.argument(added ? 2 : 0);
    row.over((piece, i, place) -> {
      Vec part = parts.get(i);
      piece.load(c, part, Address.at(from, at, 1, place));
      c.emit(VMULPS, part, part, scale);
      piece.load(c, sums.get(i), Address.at(c.argument(3), at, 1, place));
      c.emit(VMULPS, part, part, sums.get(i));
      piece.store(c, Address.at(c.argument(4), at, 1, place), part);
    });
    row.next(loop, added);
    return c.finish();
  }
}
