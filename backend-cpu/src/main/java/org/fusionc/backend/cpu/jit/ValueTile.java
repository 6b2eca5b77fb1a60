package org.fusionc.backend.cpu.jit;

import org.fusionc.backend.cpu.x86.Gp;
import org.fusionc.backend.cpu.x86.Label;
import org.fusionc.backend.cpu.x86.MachineCode;
import org.fusionc.backend.cpu.x86.Operand.Address;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Condition;
import org.fusionc.backend.cpu.x86.ScalarAssembler.Prefetch;

/**
 * Describes a kernel: weighted sums of values over the positions of groups.
 *
 * <p>A sum is one chain of fused multiply-adds over the positions in ascending order, whatever the
 * tile.
 *
 * @param rows rows of weights
 * @param vectors vectors of each value
 */
record ValueTile(AttentionLayout layout, int rows, int vectors) implements Kernels.Description {
  private static final int STEP = 4;

  /** How many groups ahead values are asked for: as long as memory takes to answer. */
  static final int AHEAD = 3;

  /**
   * Computes.
   *
   * @param weights the first row's first weight
   * @param table addresses of groups of values; {@link #AHEAD} after the last are asked for ahead
   *     of time
   * @param groups whole groups
   * @param rest positions of the group after these
   * @param state the first vector that is written
   * @param offset bytes from a value's start to its first vector that is read
   */
  static void run(
      MachineCode code, long weights, long table, long groups, long rest, long state, long offset) {
    code.call(weights, table, groups, rest, state, offset);
  }

  @Override
  public byte[] generate() {
    return new Generator(this).generate();
  }

  private static final class Generator {
    private final ValueTile tile;
    private final AttentionLayout layout;
    private final Code c;
    private final Gp weights;
    private final Gp value;
    private final Gp next;
    private final AttentionSums sums;

    Generator(ValueTile tile) {
      this.tile = tile;
      layout = tile.layout;
      c = new Code(layout.target(), 3);
      weights = c.argument(0);
      value = c.gp();
      next = c.gp();
      sums = new AttentionSums(c, layout, tile.rows, tile.vectors);
    }

    byte[] generate() {
      var asm = c.asm;
      Gp table = c.argument(1);
      Gp groups = c.argument(2);
      Gp rest = c.argument(3);
      Gp offset = c.argument(5);
      Gp count = c.gp();
      var tail = new Label();
      var done = new Label();
      sums.clear();
      asm.test(groups, groups);
      asm.jcc(Condition.E, tail);
      var loop = asm.here();
      asm.mov(value, Address.at(table));
      asm.mov(next, Address.at(table, 8 * AHEAD));
      asm.add(value, offset);
      asm.add(next, offset);
      asm.mov(count, AttentionLayout.GROUP / STEP);
      asm.align(64);
      var inner = asm.here();
      for (int p = 0; p < STEP; p++) {
        ahead(p);
        position(p);
      }
      asm.add(weights, STEP * Float.BYTES);
      asm.add(value, STEP * layout.valueRowBytes());
      asm.add(next, STEP * layout.valueRowBytes());
      asm.sub(count, 1);
      asm.jcc(Condition.NE, inner);
      asm.add(table, 8);
      asm.sub(groups, 1);
      asm.jcc(Condition.NE, loop);
      asm.bind(tail);
      asm.test(rest, rest);
      asm.jcc(Condition.E, done);
      asm.mov(value, Address.at(table));
      asm.add(value, offset);
      var single = asm.here();
      position(0);
      asm.add(weights, Float.BYTES);
      asm.add(value, layout.valueRowBytes());
      asm.sub(rest, 1);
      asm.jcc(Condition.NE, single);
      asm.bind(done);
      sums.store(c.argument(4), layout.stateBytes());
      return c.finish();
    }

    private void ahead(int p) {
      int at = p * layout.valueRowBytes();
      for (int i = 0; i < tile.vectors * layout.vectorBytes(); i += 64) {
        c.asm.prefetch(Prefetch.T0, Address.at(next, at + i));
      }
    }

    private void position(int p) {
      for (int v = 0; v < tile.vectors; v++) {
        sums.load(v, Address.at(value, p * layout.valueRowBytes() + v * layout.vectorBytes()));
      }
      sums.add(weights, Float.BYTES * p, AttentionLayout.SCORE_BYTES);
    }
  }
}
