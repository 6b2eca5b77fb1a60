package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Describes a kernel: rows minus their mean over their standard deviation, after another row was
 * added if so said.
 *
 * <p>The mean is taken twice: what the first one left, by rounding, is small, so that the variance
 * around it loses nothing. Its arguments are those of {@link RowNorms}.
 *
 * @param width elements of a row
 * @param added whether there is a residual
 * @param biased whether there is a bias
 */
record LayerRows(Target target, int width, float eps, boolean added, boolean biased)
    implements Kernels.Description {

  @Override
  public byte[] generate() {
    var c = new Code(target, 4);
    var asm = c.asm;
    Gp at = c.gp();
    Gp count = c.gp();
    Gp constants = c.gp();
    Gp bias = c.gp();
    List<Vec> sums = c.vecs(RowWalk.CHAINS);
    List<Vec> squares = c.vecs(RowWalk.CHAINS);
    List<Vec> parts = c.vecs(RowWalk.CHAINS);
    Vec scale = c.vec();
    Vec center = c.vec();
    Vec share = c.vec();
    Vec smallest = c.vec();
    var row = new RowWalk(c, width, at, count);
    Gp from = c.argument(added ? 2 : 0);
    c.repeat(share, at, Float.floatToRawIntBits(1f / width));
    c.repeat(smallest, at, Float.floatToRawIntBits(eps));
    asm.mov(constants, Constant.address());
    if (biased) {
      asm.mov(bias, c.onStack(6));
    }
    var loop = asm.here();
    sums.forEach(c::zero);
    row.over((piece, i, place) -> {
      Vec part = parts.get(i);
      row.load(part, piece, place, added, squares.get(i));
      c.emit(VADDPS, sums.get(i), sums.get(i), part);
    });
    row.total(center, sums);
    c.emit(VMULPS, center, center, share);
    c.emit(VXORPS, center, center, Constant.SIGN.at(constants));
    sums.forEach(c::zero);
    squares.forEach(c::zero);
    row.over((piece, i, place) -> {
      Vec part = parts.get(i);
      piece.load(c, part, Address.at(from, at, 1, place));
      piece.add(c, part, part, center);
      c.emit(VADDPS, sums.get(i), sums.get(i), part);
      c.emit(VFMADD231PS, squares.get(i), part, part);
    });
    Vec rest = sums.getFirst();
    row.total(rest, sums);
    c.emit(VMULPS, rest, rest, share);
    row.total(scale, squares);
    c.emit(VMULPS, scale, scale, share);
    c.emit(VFNMADD231PS, scale, rest, rest);
    c.load(parts.getFirst(), Constant.ZERO.at(constants));
    c.emit(VMAXPS, scale, parts.getFirst(), scale);
    c.emit(VADDPS, scale, scale, smallest);
    c.emit(VSQRTPS, scale, scale);
    c.load(parts.getFirst(), Constant.ONE.at(constants));
    c.emit(VDIVPS, scale, parts.getFirst(), scale);
    row.over((piece, i, place) -> {
      Vec part = parts.get(i);
      Vec other = squares.get(i);
      piece.load(c, part, Address.at(from, at, 1, place));
      c.emit(VADDPS, part, part, center);
      c.emit(VSUBPS, part, part, rest);
      c.emit(VMULPS, part, part, scale);
      piece.load(c, other, Address.at(c.argument(3), at, 1, place));
      c.emit(VMULPS, part, part, other);
      if (biased) {
        piece.load(c, other, Address.at(bias, at, 1, place));
        c.emit(VADDPS, part, part, other);
      }
      piece.store(c, Address.at(c.argument(4), at, 1, place), part);
    });
    row.next(loop, added);
    return c.finish();
  }
}
