package org.fusionc.backend.cpu.jit;

import static org.fusionc.backend.cpu.x86.Instruction.*;

import java.util.List;
import org.fusionc.backend.cpu.x86.Gp;
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

  /** The total of all chains in every lane; the chains are lost. */
  void total(Vec to, List<Vec> chains) {
    c.emit(VADDPS, chains.get(0), chains.get(0), chains.get(1));
    c.emit(VADDPS, chains.get(2), chains.get(2), chains.get(3));
    c.emit(VADDPS, to, chains.get(0), chains.get(2));
    c.fold(to, chains.get(1), VADDPS);
  }
}
