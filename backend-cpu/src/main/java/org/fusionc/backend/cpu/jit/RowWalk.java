package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.Vec;

/**
 * Writes passes over a row of f32 whose length is known: {@link #CHAINS} vectors a turn, taken in
 * turns by as many sums, then the pieces that are left.
 */
final class RowWalk {
  static final int CHAINS = 4;

  private final Code c;
  private final Gp at;
  private final Gp count;
  private final int width;
  private final int whole;
  private final List<Piece> pieces;

  /**
   * For rows of {@code width} elements.
   *
   * @param at the offset in bytes, which addresses add
   * @param count working memory
   */
  RowWalk(Code c, int width, Gp at, Gp count) {
    this.c = c;
    this.at = at;
    this.count = count;
    this.width = width;
    whole = width * Float.BYTES / step();
    pieces = Piece.of(c.target, width - whole * step() / Float.BYTES);
  }

  private int step() {
    return CHAINS * c.target.vector();
  }

  /** What is done to a piece: one of {@link #CHAINS}, at {@code place} bytes from the offset. */
  interface Body {
    void emit(Piece piece, int chain, int place);
  }

  /** A pass: whole steps in a loop, then the pieces that are left. */
  void over(Body body) {
    c.asm.mov(at, 0);
    if (whole > 0) {
      c.asm.mov(count, whole);
      c.asm.align(32);
      var inner = c.asm.here();
      for (int i = 0; i < CHAINS; i++) {
        body.emit(new Piece(0, c.target.vector()), i, i * c.target.vector());
      }
      c.asm.add(at, step());
      c.asm.sub(count, 1);
      c.asm.jcc(Condition.NE, inner);
    }
    for (int i = 0; i < pieces.size(); i++) {
      body.emit(pieces.get(i), i % CHAINS, pieces.get(i).at());
    }
  }

  /**
   * Reads a piece of a norm's input, to which the residual is added, and the sum kept, if there is
   * one; the arguments are those of {@link RowNorms}.
   *
   * @param other working memory
   */
  void load(Vec to, Piece piece, int place, boolean added, Vec other) {
    piece.load(c, to, Address.at(c.argument(0), at, 1, place));
    if (added) {
      piece.load(c, other, Address.at(c.argument(1), at, 1, place));
      c.emit(VADDPS, to, to, other);
      piece.store(c, Address.at(c.argument(2), at, 1, place), to);
    }
  }

  /** Goes on with the next row of a norm, while there is one. */
  void next(Label row, boolean added) {
    for (int operand : added ? new int[] {0, 1, 2, 4} : new int[] {0, 4}) {
      c.asm.add(c.argument(operand), width * Float.BYTES);
    }
    c.asm.sub(c.argument(5), 1);
    c.asm.jcc(Condition.NE, row);
  }

  /** The total of all chains in every lane; the chains are lost. */
  void total(Vec to, List<Vec> chains) {
    c.emit(VADDPS, chains.get(0), chains.get(0), chains.get(1));
    c.emit(VADDPS, chains.get(2), chains.get(2), chains.get(3));
    c.emit(VADDPS, to, chains.get(0), chains.get(2));
    c.fold(to, chains.get(1), VADDPS);
  }
}
