package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;
import org.jspecify.annotations.Nullable;

/**
 * Describes a kernel: rotates the heads of one token, and scales them.
 *
 * @param dim elements of a head
 * @param pairs how many pairs are rotated; what is left of the head is only scaled
 * @param interleaved pairs are (2i, 2i+1) rather than (i, i + pairs)
 */
record RopeRow(Target target, int dim, int pairs, boolean interleaved)
    implements Kernels.Description {

  /**
   * For heads of {@code dim} elements; without a table they are only scaled.
   *
   * @throws IllegalArgumentException if the pairs do not fit a head
   */
  static RopeRow of(Target target, @Nullable RopeTable table, int dim) {
    if (table != null && 2 * table.pairs() > dim) {
      throw new IllegalArgumentException(
          "rope rotates " + table.pairs() + " pairs, but a head has " + dim + " elements");
    }
    return table == null
        ? new RopeRow(target, dim, 0, false)
        : new RopeRow(target, dim, table.pairs(), table.interleaved());
  }

  /**
   * Rotates.
   *
   * @param x f32 [heads, dim]
   * @param y f32 [heads, dim]; may be x
   * @param angles of the token's position, as {@link RopeTable} has them
   * @param heads at least 1
   */
  static void run(MachineCode code, long x, long y, long angles, long heads, float scale) {
    code.call(x, y, angles, heads, Float.floatToRawIntBits(scale), 0);
  }

  @Override
  public byte[] generate() {
    var c = new Code(target, 0);
    var asm = c.asm;
    Gp x = c.argument(0);
    Gp y = c.argument(1);
    Vec scale = c.vec();
    c.emit(VMOVD, scale.as(16), c.argument(4));
    c.emit(VPBROADCASTD, scale, scale.as(16));
    var loop = asm.here();
    if (interleaved) {
      neighbours(c, x, y, c.argument(2), scale);
    } else {
      halves(c, x, y, c.argument(2), scale);
    }
    Vec rest = c.vec();
    int done = 2 * pairs * Float.BYTES;
    for (var piece : Piece.of(target, dim - 2 * pairs)) {
      Vec part = rest.as(piece.register());
      piece.load(c, part, Address.at(x, done + piece.at()));
      c.emit(VMULPS, part, part, scale.as(piece.register()));
      piece.store(c, Address.at(y, done + piece.at()), part);
    }
    asm.add(x, dim * Float.BYTES);
    asm.add(y, dim * Float.BYTES);
    asm.sub(c.argument(3), 1);
    asm.jcc(Condition.NE, loop);
    return c.finish();
  }

  private void halves(Code c, Gp x, Gp y, Gp angles, Vec scale) {
    var registers = c.vecs(6);
    int second = pairs * Float.BYTES;
    for (var piece : Piece.of(target, pairs)) {
      var r = registers.stream().map(v -> v.as(piece.register())).toList();
      Vec u = r.get(0);
      Vec v = r.get(1);
      Vec cosine = r.get(2);
      Vec sine = r.get(3);
      Vec first = r.get(4);
      Vec other = r.get(5);
      piece.load(c, u, Address.at(x, piece.at()));
      piece.load(c, v, Address.at(x, second + piece.at()));
      piece.load(c, cosine, Address.at(angles, piece.at()));
      piece.load(c, sine, Address.at(angles, second + piece.at()));
      c.emit(VMULPS, first, u, cosine);
      c.emit(VFNMADD231PS, first, v, sine);
      c.emit(VMULPS, other, v, cosine);
      c.emit(VFMADD231PS, other, u, sine);
      c.emit(VMULPS, first, first, scale.as(piece.register()));
      c.emit(VMULPS, other, other, scale.as(piece.register()));
      piece.store(c, Address.at(y, piece.at()), first);
      piece.store(c, Address.at(y, second + piece.at()), other);
    }
  }

  /** Every element by its cosine, and its neighbour by the sine with the sign that is due. */
  private void neighbours(Code c, Gp x, Gp y, Gp angles, Vec scale) {
    var registers = c.vecs(4);
    int sines = 2 * pairs * Float.BYTES;
    int at = 0;
    for (var piece : Piece.of(target, 2 * pairs)) {
      if (piece.bytes() == 4) {
        break;
      }
      var r = registers.stream().map(v -> v.as(piece.register())).toList();
      c.load(r.get(0), Address.at(x, at));
      c.emit(VSHUFPS, r.get(1), r.get(0), r.get(0), Operand.imm(0b10_11_00_01));
      c.load(r.get(2), Address.at(angles, at));
      c.load(r.get(3), Address.at(angles, sines + at));
      c.emit(VMULPS, r.get(2), r.get(2), r.get(0));
      c.emit(VFMADD231PS, r.get(2), r.get(3), r.get(1));
      c.emit(VMULPS, r.get(2), r.get(2), scale.as(piece.register()));
      c.store(Address.at(y, at), r.get(2));
      at += piece.bytes();
    }
    if (at < sines) {
      lastPair(c, Address.at(x, at), Address.at(y, at), Address.at(angles, at), sines, scale);
    }
  }

  private static void lastPair(Code c, Address x, Address y, Address angles, int sines, Vec scale) {
    var r = c.vecs(6).stream().map(v -> v.as(16)).toList();
    c.emit(VMOVSS, r.get(0), x);
    c.emit(VMOVSS, r.get(1), x.plus(4));
    for (int i = 0; i < 2; i++) {
      c.emit(VMOVSS, r.get(2 + i), angles.plus(4 * i));
      c.emit(VMOVSS, r.get(4 + i), angles.plus(sines + 4 * i));
      c.emit(VMULPS, r.get(2 + i), r.get(2 + i), r.get(i));
      c.emit(VFMADD231PS, r.get(2 + i), r.get(4 + i), r.get(1 - i));
      c.emit(VMULPS, r.get(2 + i), r.get(2 + i), scale.as(16));
    }
    c.emit(VMOVSS_STORE, y, r.get(2));
    c.emit(VMOVSS_STORE, y.plus(4), r.get(3));
  }
}
