package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * A part of a row of f32 whose length is known when the code is written: a vector of 64, 32 or 16
 * bytes, or one element. So nothing is touched past the end, and nothing is masked.
 *
 * @param at bytes from the row's start
 * @param bytes 64, 32, 16 or 4
 */
record Piece(int at, int bytes) {

  /** The pieces of a row, the largest first. */
  static List<Piece> of(Target target, int elements) {
    var pieces = new ArrayList<Piece>();
    int at = 0;
    for (int bytes = target.vector(); bytes >= 4; bytes /= bytes == 16 ? 4 : 2) {
      while (elements * Float.BYTES - at >= bytes) {
        pieces.add(new Piece(at, bytes));
        at += bytes;
      }
    }
    return pieces;
  }

  /** Bytes of the register that it goes to. */
  int register() {
    return Math.max(16, bytes);
  }

  int elements() {
    return bytes / Float.BYTES;
  }

  void load(Code c, Vec to, Address from) {
    c.emit(bytes == 4 ? VMOVSS : VMOVUPS, to.as(register()), from);
  }

  void store(Code c, Address to, Vec from) {
    c.emit(bytes == 4 ? VMOVSS_STORE : VMOVUPS_STORE, to, from.as(register()));
  }

  /** {@code to = a + b} in the piece's lanes, where those past its end are 0 in {@code a}. */
  void add(Code c, Vec to, Vec a, Vec b) {
    int size = register();
    c.emit(bytes == 4 ? VADDSS : VADDPS, to.as(size), a.as(size), b.as(size));
  }
}
